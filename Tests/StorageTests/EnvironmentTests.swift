import Glibc
import Storage
import Testing

@Suite struct EnvironmentTests {
    static let table = Table(name: "table", index: 0)
    static let other = Table(name: "other", index: 1, keyByteCounts: 2...2, valueByteCounts: 0...4)
    static let small = MapLimits(initialByteCount: 1 << 20, byteCountMax: 1 << 24)

    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    func open(
        _ access: StorageAccess = .readWrite, limits: MapLimits = Self.small
    ) throws(StorageError) -> Environment {
        try Environment(
            folder: folder.state, tables: [Self.table, Self.other], limits: limits, access: access
        )
    }

    func value(_ environment: Environment, _ key: [UInt8]) throws -> [UInt8]? {
        try environment.read { (transaction) throws(StorageError) in
            try transaction.raw.value(in: Self.table, key: key)
        }
    }

    @Test func `changes to several tables are there after the store is opened again`() throws {
        do {
            let environment = try open()
            try environment.write { (transaction) throws(StorageError) in
                try transaction.put([1, 2, 3], in: Self.table, key: [1])
                try transaction.put([], in: Self.other, key: [1, 1])
                #expect(try transaction.raw.value(in: Self.table, key: [1]) == [1, 2, 3])
            }
        }
        let environment = try open()
        #expect(try value(environment, [1]) == [1, 2, 3])
        try environment.read { (transaction) throws(StorageError) in
            #expect(try transaction.raw.value(in: Self.other, key: [1, 1]) == [])
            #expect(try transaction.raw.value(in: Self.other, key: [1, 2]) == nil)
            #expect(try transaction.raw.count(of: Self.other) == 1)
        }
    }

    @Test func `a write that throws changes nothing`() throws {
        let environment = try open()
        #expect(throws: StorageError.exists(table: "table", key: [1])) {
            try environment.write { (transaction) throws(StorageError) in
                try transaction.putOnce([1], in: Self.table, key: [1])
                try transaction.putOnce([1], in: Self.table, key: [1])
                try transaction.put([1], in: Self.other, key: [0, 0])
                try transaction.putOnce([2], in: Self.table, key: [1])
            }
        }
        #expect(try value(environment, [1]) == nil)
    }

    @Test func `a reader sees the store as it was when it began`() throws {
        let environment = try open()
        try environment.write { (transaction) throws(StorageError) in
            try transaction.put([1], in: Self.table, key: [1])
        }
        try environment.read { (reader) throws(StorageError) in
            try environment.write { (transaction) throws(StorageError) in
                try transaction.put([2], in: Self.table, key: [1])
            }
            #expect(try reader.raw.value(in: Self.table, key: [1]) == [1])
        }
        #expect(try value(environment, [1]) == [2])
    }

    @Test func `keys and values of other lengths are refused with the lengths`() throws {
        let environment = try open()
        let long = [UInt8](repeating: 1, count: 512)
        for key in [[], long] {
            #expect(
                throws: StorageError.length(
                    table: "table", byteCount: key.count, expected: 1...511)
            ) {
                try environment.write { (transaction) throws(StorageError) in
                    try transaction.put([], in: Self.table, key: key)
                }
            }
            #expect(throws: StorageError.self) { try value(environment, key) }
        }
        #expect(throws: StorageError.length(table: "other", byteCount: 5, expected: 0...4)) {
            try environment.write { (transaction) throws(StorageError) in
                try transaction.put([1, 2, 3, 4, 5], in: Self.other, key: [1, 1])
            }
        }
        #expect(throws: StorageError.length(table: "other", byteCount: 1, expected: 2...2)) {
            try environment.write { (transaction) throws(StorageError) in
                _ = try transaction.delete([1], in: Self.other)
            }
        }
    }

    @Test func `rows come in the order of their keys, from a key on, by prefix`() throws {
        let environment = try open()
        try environment.write { (transaction) throws(StorageError) in
            for key: [UInt8] in [[2, 1], [1], [2], [0xFF], [1, 0xFF], [2, 0]] {
                try transaction.put(key + [9], in: Self.table, key: key)
            }
            #expect(try transaction.delete([0xFF], in: Self.table))
            #expect(try !transaction.delete([0xFE], in: Self.table))
        }
        try environment.read { (transaction) throws(StorageError) in
            let raw = transaction.raw
            #expect(
                try raw.keys(in: Self.table) == [[1], [1, 0xFF], [2], [2, 0], [2, 1]]
            )
            #expect(try raw.keys(in: Self.table, prefix: [2]) == [[2], [2, 0], [2, 1]])
            #expect(try raw.keys(in: Self.table, prefix: [3]) == [])
            let rows = try raw.rows(in: Self.table, from: [1, 1], countMax: 2)
            #expect(rows.map(\.key) == [[1, 0xFF], [2]])
            #expect(rows.map(\.value) == [[1, 0xFF, 9], [2, 9]])
            #expect(try raw.rows(in: Self.table, countMax: 0) == [])
            #expect(try raw.lastKey(in: Self.table) == [2, 1])
            #expect(try raw.lastKey(in: Self.other) == nil)
        }
    }

    @Test func `the map grows when it is full, and the write runs again`() throws {
        let environment = try open()
        let before = environment.mapByteCount
        var attemptCount = 0
        for number in 0..<4 {
            try environment.write { (transaction) throws(StorageError) in
                attemptCount += 1
                for part in 0..<8 {
                    let bytes = [UInt8](repeating: UInt8(number), count: 100_000)
                    try transaction.put(bytes, in: Self.table, key: [UInt8(number), UInt8(part)])
                }
            }
        }
        #expect(attemptCount > 4)
        #expect(environment.mapByteCount > before)
        #expect(try value(environment, [3, 7])?.count == 100_000)
        #expect(try value(environment, [0, 0]) == [UInt8](repeating: 0, count: 100_000))
    }

    @Test func `a map at its limit is reported and the store goes on`() throws {
        let environment = try open()
        do {
            try environment.write { (transaction) throws(StorageError) in
                try transaction.put(
                    [UInt8](repeating: 1, count: 1 << 25), in: Self.table, key: [1])
            }
            Issue.record("32 MiB fit into 16 MiB")
        } catch {
            #expect(
                error
                    == .mapFull(
                        path: folder.state, byteCount: 1 << 24, activeTransactionCount: 0))
        }
        try environment.write { (transaction) throws(StorageError) in
            try transaction.put([1], in: Self.table, key: [1])
        }
        #expect(try value(environment, [1]) == [1])
    }

    @Test func `the map does not grow under a reader`() throws {
        let environment = try open()
        let bytes = [UInt8](repeating: 1, count: 2 << 20)
        let path = folder.state
        try environment.read { (_) throws(StorageError) -> Void in
            #expect(
                throws: StorageError.mapFull(
                    path: path, byteCount: 1 << 20, activeTransactionCount: 1)
            ) {
                try environment.write { (transaction) throws(StorageError) in
                    try transaction.put(bytes, in: Self.table, key: [1])
                }
            }
        }
        try environment.write { (transaction) throws(StorageError) in
            try transaction.put(bytes, in: Self.table, key: [1])
        }
        #expect(try value(environment, [1]) == bytes)
    }

    @Test func `more readers than there are slots are refused`() throws {
        let environment = try open()
        var refusal: StorageError?
        func nest(_ depth: Int) throws(StorageError) {
            guard depth > 0 else { return }
            try environment.read { (_) throws(StorageError) -> Void in try nest(depth - 1) }
        }
        try nest(100)
        do {
            try nest(200)
        } catch {
            refusal = error
        }
        #expect(refusal == .readersFull(path: folder.state))
        try nest(100)
    }

    @Test func `threads that write at once wait for one another`() async throws {
        let environment = try open()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { Self.increment(environment, times: 25) }
            }
        }
        #expect(try value(environment, [7]) == [100])
    }

    private static func increment(_ environment: Environment, times: Int) {
        for _ in 0..<times {
            do {
                try environment.write { (transaction) throws(StorageError) in
                    let old = try transaction.raw.value(in: table, key: [7])?.first ?? 0
                    try transaction.put([old + 1], in: table, key: [7])
                }
            } catch {
                Issue.record(error)
            }
        }
    }
}
