import Storage
import Testing

@Suite struct StateStoreTests {
    let folder: TemporaryFolder
    let store: StateStore

    init() throws {
        folder = try TemporaryFolder()
        store = try StateStore(folder: folder.state)
    }

    @Test func `entries are decided once and come in order of height`() throws {
        try store.write { (transaction) throws(StorageError) in
            for height: UInt64 in [256, 1, 2, 255] {
                try transaction.putEntry(height: height, [UInt8(height & 0xFF)])
            }
            try transaction.putEntry(height: 2, [2])
        }
        #expect(throws: StorageError.exists(table: "entries", key: [0, 0, 0, 0, 0, 0, 0, 2])) {
            try store.write { (transaction) throws(StorageError) in
                try transaction.putEntry(height: 2, [3])
            }
        }
        try store.read { (transaction) throws(StorageError) in
            #expect(try transaction.entries().map(\.height) == [1, 2, 255, 256])
            #expect(try transaction.entries(from: 2, countMax: 2).map(\.bytes) == [[2], [255]])
            #expect(try transaction.lastEntryHeight() == 256)
            #expect(try transaction.entry(height: 256) == [0])
            #expect(try transaction.entry(height: 3) == nil)
        }
    }

    @Test func `records, peers and settings are set, listed and removed`() throws {
        try store.write { (transaction) throws(StorageError) in
            #expect(try transaction.lastEntryHeight() == nil)
            for key in ["commit/1/0", "commit/2/0", "promise/2", "commit"] {
                try transaction.putRecord(key, Array(key.utf8))
            }
            try transaction.putPeer([2], [20])
            try transaction.putPeer([1], [10])
            try transaction.putSetting("manifest", [5])
            try transaction.putSetting("manifest", [6])
        }
        try store.read { (transaction) throws(StorageError) in
            #expect(
                try transaction.records(prefix: "commit/").map(\.key) == [
                    "commit/1/0", "commit/2/0",
                ])
            #expect(try transaction.record("promise/2") == Array("promise/2".utf8))
            #expect(try transaction.peers().map(\.id) == [[1], [2]])
            #expect(try transaction.peer([2]) == [20])
            #expect(try transaction.setting("manifest") == [6])
            #expect(try transaction.settings().map(\.key) == ["manifest"])
        }
        try store.write { (transaction) throws(StorageError) in
            try transaction.deleteRecords(prefix: "commit/")
            try transaction.deleteRecord("promise/2")
            try transaction.deleteRecord("never there")
            try transaction.deletePeer([1])
        }
        try store.read { (transaction) throws(StorageError) in
            #expect(try transaction.records().map(\.key) == ["commit"])
            #expect(try transaction.peers().map(\.bytes) == [[20]])
        }
    }

    @Test func `an object that arrives in chunks is resumed where it stopped`() throws {
        let id = [UInt8](repeating: 3, count: 32)
        try store.write { (transaction) throws(StorageError) in
            try transaction.putObjectManifest([1], id: id)
            try transaction.putChunk([10], of: id, index: 0)
            try transaction.putChunk([12], of: id, index: 2)
        }
        try store.read { (transaction) throws(StorageError) in
            #expect(try transaction.missingChunkIndices(of: id, count: 4) == [1, 3])
            #expect(try transaction.object(id, chunkCount: 3) == nil)
            #expect(try transaction.object(id, chunkCount: 1) == [10])
            #expect(try transaction.object(id, chunkCount: 0) == [])
            #expect(try transaction.hasChunk(of: id, index: 2))
            #expect(try transaction.chunk(of: id, index: 1) == nil)
        }
        try store.write { (transaction) throws(StorageError) in
            try transaction.putChunk([11], of: id, index: 1)
        }
        try store.read { (transaction) throws(StorageError) in
            #expect(try transaction.object(id, chunkCount: 3) == [10, 11, 12])
            #expect(try transaction.missingChunkIndices(of: id, count: 3) == [])
            #expect(try transaction.objectIDs() == [id])
        }
    }

    @Test func `a whole object is cut and joined, and its neighbours are left alone`() throws {
        let ids = (1...3).map { [UInt8](repeating: $0, count: 32) }
        let count = 2 * StateStore.chunkByteCountMax + 5
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try store.write { (transaction) throws(StorageError) in
            for id in ids {
                #expect(try transaction.putObject(bytes, manifest: id, id: id) == 3)
            }
            try transaction.deleteObject(ids[1])
        }
        try store.read { (transaction) throws(StorageError) in
            #expect(try transaction.object(ids[0], chunkCount: 3) == bytes)
            #expect(try transaction.object(ids[2], chunkCount: 3) == bytes)
            #expect(try transaction.objectManifest(ids[2]) == ids[2])
            #expect(try transaction.objectManifest(ids[1]) == nil)
            #expect(try transaction.missingChunkIndices(of: ids[1], count: 3) == [0, 1, 2])
        }
        #expect(throws: StorageError.exists(table: "objects", key: ids[0])) {
            try store.write { (transaction) throws(StorageError) in
                try transaction.putObjectManifest([0], id: ids[0])
            }
        }
    }

    @Test func `identifiers and chunks of other lengths are refused`() throws {
        let id = [UInt8](repeating: 1, count: 31)
        let large = [UInt8](repeating: 1, count: StateStore.chunkByteCountMax + 1)
        #expect(throws: StorageError.length(table: "objects", byteCount: 31, expected: 32...32)) {
            try store.read { (transaction) throws(StorageError) in
                try transaction.missingChunkIndices(of: id, count: 1)
            }
        }
        for chunk in [[], large] {
            #expect(throws: StorageError.self) {
                try store.write { (transaction) throws(StorageError) in
                    try transaction.putChunk(chunk, of: id + [1], index: 0)
                }
            }
        }
        #expect(throws: StorageError.length(table: "peers", byteCount: 0, expected: 1...128)) {
            try store.write { (transaction) throws(StorageError) in
                try transaction.putPeer([], [])
            }
        }
    }

    @Test func `the digest tells what is stored and not how it came there`() throws {
        let empty = try store.digestOfAllTables()
        try store.write { (transaction) throws(StorageError) in
            try transaction.putSetting("a", [1])
        }
        let one = try store.digestOfAllTables()
        try store.write { (transaction) throws(StorageError) in
            try transaction.putSetting("a", [2])
            try transaction.putRecord("a", [1])
        }
        let other = try store.digestOfAllTables()
        #expect(Set([empty, one, other]).count == 3)
        try store.write { (transaction) throws(StorageError) in
            try transaction.deleteRecord("a")
            try transaction.putSetting("a", [1])
        }
        #expect(try store.digestOfAllTables() == one)
    }
}
