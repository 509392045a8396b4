import Storage
import Testing

@Suite struct ModelStoreTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    static func digest(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(number), count: 31) + [UInt8(number)]
    }

    static func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ count) }
    }

    private static func put(_ bytes: [UInt8], _ number: Int, in store: ModelStore) throws {
        try unsafe bytes.withUnsafeBytes {
            try unsafe store.putShard(digest: digest(number), bytes: $0)
        }
    }

    @Test func `shards are read in place, aligned, with their own length`() throws {
        let counts = [0, 1, 47, 1950, 1998, 1999, 2000, 2001, 4000, 4048, 4096, 65_536, 1_000_001]
        do {
            let store = try ModelStore(folder: folder.state)
            for (number, count) in counts.enumerated() {
                try Self.put(Self.bytes(count), number, in: store)
            }
        }
        let store = try ModelStore(folder: folder.state, access: .readOnly)
        for (index, count) in counts.enumerated() {
            let isRight = unsafe try store.withShard(Self.digest(index)) { bytes in
                #expect(Int(bitPattern: bytes.baseAddress) % ModelStore.shardAlignment == 0)
                return unsafe bytes.elementsEqual(Self.bytes(count))
            }
            #expect(isRight == true, "\(count) bytes")
        }
        #expect(try store.contains(Self.digest(0)))
        #expect(try !store.contains(Self.digest(99)))
        #expect(unsafe try store.withShard(Self.digest(99)) { _ in true } == nil)
        #expect(throws: StorageError.length(table: "shards", byteCount: 3, expected: 32...32)) {
            try store.contains([1, 2, 3])
        }
    }

    @Test func `a snapshot keeps its shards where they are while others are written`() throws {
        let store = try ModelStore(folder: folder.state)
        let large = Self.bytes(300_000)
        try Self.put(large, 1, in: store)
        let snapshot = try store.snapshot()
        let pointer = unsafe try snapshot.withShard(Self.digest(1)) { unsafe $0 }
        let held = unsafe try #require(pointer)
        try store.deleteShard(Self.digest(1))
        for number in 2..<20 {
            try Self.put(Self.bytes(200_000), number, in: store)
        }
        #expect(unsafe held.elementsEqual(large))
        #expect(try snapshot.contains(Self.digest(1)))
        #expect(try !snapshot.contains(Self.digest(2)))
        #expect(try !store.contains(Self.digest(1)))
        #expect(try store.snapshot().contains(Self.digest(19)))
    }

    @Test func `a shard that is here is left as it is`() throws {
        let store = try ModelStore(folder: folder.state)
        try Self.put([1], 1, in: store)
        try Self.put([2], 1, in: store)
        #expect(unsafe try store.withShard(Self.digest(1)) { unsafe Array($0) } == [1])
    }

    @Test func `a damaged shard is reported and not lent`() throws {
        let store = try ModelStore(folder: folder.state)
        let table = Table(name: "shards", index: 2, keyByteCounts: 32...32)
        let head = Array("starling/shard/1".utf8)
        let values: [[UInt8]] = [
            [], head, [UInt8](repeating: 0, count: 2048),
            head + [0, 0, 0, 0, 0, 0, 8, 0] + [UInt8](repeating: 0, count: 2024),
            head + [UInt8](repeating: 0xFF, count: 2032),
            head + [UInt8](repeating: 0, count: 2033),
        ]
        for (number, value) in values.enumerated() {
            try store.environment.write { (transaction) throws(StorageError) in
                try transaction.put(value, in: table, key: Self.digest(number))
            }
            #expect(
                throws: StorageError.malformedRecord(table: "shards", key: Self.digest(number))
            ) {
                unsafe try store.withShard(Self.digest(number)) { _ in true }
            }
        }
    }

    @Test func `models are named, listed and removed`() throws {
        let store = try ModelStore(folder: folder.state)
        try store.putModel(name: "smollm2-135m", manifest: [1])
        try store.putModel(name: "Другая", manifest: [2])
        #expect(try store.modelNames() == ["smollm2-135m", "Другая"])
        #expect(try store.model("Другая") == [2])
        try store.deleteModel(name: "Другая")
        #expect(try store.model("Другая") == nil)
        #expect(throws: StorageError.self) { try store.putModel(name: "", manifest: []) }
    }
}
