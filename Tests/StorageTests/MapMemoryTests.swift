import Foundation
import Storage
import Tensors
import Testing

/// The memory of the map that a store holds after reading, as the system counts it.
@Suite struct MapMemoryTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private static let shardByteCount = 6_000_001

    /// The bytes of the store's map that are in the process's memory now.
    private func residentByteCount() throws -> Int {
        // In pieces to its end: the system hands out a page's worth at a time, whatever its length.
        let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
        var bytes = Data()
        while let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty { bytes += piece }
        let smaps = String(decoding: bytes, as: UTF8.self)
        var (sum, isStore) = (0, false)
        for line in smaps.split(separator: "\n") {
            if line.hasSuffix(folder.state + "/data.mdb") {
                isStore = true
            } else if isStore, line.hasPrefix("Rss:") {
                let words = line.split(separator: " ")
                sum += (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 1024
                isStore = false
            }
        }
        return sum
    }

    private func makeModels() throws -> ModelStore {
        let store = try ModelStore(folder: folder.state)
        for number in 0..<4 {
            let bytes = ModelStoreTests.bytes(Self.shardByteCount + number)
            unsafe try store.putShard(
                digest: ModelStoreTests.digest(number), byteCount: bytes.count
            ) { room in
                unsafe room.copyBytes(from: bytes)
            }
        }
        return store
    }

    @Test func `shards that were read leave no memory behind, those that are held do`() throws {
        let store = try makeModels()
        for number in 0..<4 {
            let expected = ModelStoreTests.bytes(Self.shardByteCount + number)
            let digest = ModelStoreTests.digest(number)
            #expect(
                unsafe try store.withShard(digest) { unsafe $0.elementsEqual(expected) } == true)
        }
        // Pages of trees, and the windows in which they came.
        let rest = 4 * MappedPages.windowByteCount
        #expect(try residentByteCount() <= rest)
        let snapshot = try store.snapshot()
        var rows: [MappedRows] = []
        for number in 0..<4 {
            let digest = ModelStoreTests.digest(number)
            let expected = ModelStoreTests.bytes(Self.shardByteCount + number)
            #expect(
                unsafe try snapshot.withShard(digest) { unsafe $0.elementsEqual(expected) } == true)
            rows.append(try #require(try snapshot.rows(digest)))
        }
        #expect(try residentByteCount() <= rest)
        for (number, rows) in rows.enumerated() {
            let expected = ModelStoreTests.bytes(Self.shardByteCount + number)
            #expect(unsafe rows.withBytes { unsafe $0.elementsEqual(expected) })
        }
        #expect(try residentByteCount() >= 4 * Self.shardByteCount)
        for rows in rows { rows.giveBack(0..<rows.byteCount) }
        #expect(try residentByteCount() <= rest)
    }

    @Test func `a shard that can't be written whole is not there`() throws {
        let store = try makeModels()
        let digest = ModelStoreTests.digest(9)
        let reason = StorageError.malformedRecord(table: "chunks", key: digest)
        #expect(throws: reason) {
            unsafe try store.putShard(digest: digest, byteCount: 100_000) {
                (room) throws(StorageError) in
                unsafe room.copyBytes(from: [1, 2, 3])
                throw reason
            }
        }
        #expect(try !store.contains(digest))
        #expect(try store.contains(ModelStoreTests.digest(3)))
    }

    @Test func `objects that were read leave little memory behind`() throws {
        let store = try StateStore(folder: folder.state)
        let bytes = ModelStoreTests.bytes(6_000_000)
        try store.write { (transaction) throws(StorageError) in
            try transaction.putObject(bytes, manifest: [1], id: ModelStoreTests.digest(1))
        }
        let count = UInt32(
            (bytes.count + StateStore.chunkByteCountMax - 1) / StateStore.chunkByteCountMax)
        let read = try store.read { (transaction) throws(StorageError) in
            try transaction.object(ModelStoreTests.digest(1), chunkCount: count)
        }
        #expect(read == bytes)
        #expect(try residentByteCount() <= 2 * MappedPages.windowByteCount)
    }

    /// The map moves when it grows, and what was lent before lies nowhere then.
    @Test func `a store that has grown gives back no memory of others`() throws {
        let store = try StateStore(
            folder: folder.state, access: .readWrite,
            limits: MapLimits(initialByteCount: 1 << 20, byteCountMax: 1 << 28), faults: nil)
        for number in 1..<24 {
            let bytes = ModelStoreTests.bytes(700_000 + number)
            try store.write { (transaction) throws(StorageError) in
                try transaction.putObject(bytes, manifest: [1], id: ModelStoreTests.digest(number))
            }
            // Memory that may come to lie where the map was.
            let other = [UInt8](repeating: UInt8(number), count: 4 << 20)
            for earlier in 1...number {
                let read = try store.read { (transaction) throws(StorageError) in
                    try transaction.object(ModelStoreTests.digest(earlier), chunkCount: 3)
                }
                #expect(read == ModelStoreTests.bytes(700_000 + earlier))
            }
            #expect(other.allSatisfy { $0 == UInt8(number) })
        }
    }
}
