import Cryptography
import GossipLog
import Storage

/// What a node writes in two rounds, made so that it goes on from whatever the store holds.
struct Script {
    private let store: StateStore
    private let signer: NoteSigner
    private let chunkCount: UInt32 = 2
    private let roundCount: UInt64 = 2

    init(store: StateStore) throws {
        self.store = store
        guard let key = SigningKey(seed: [UInt8](repeating: 7, count: 32)) else {
            fatalError("a seed of 32 bytes")
        }
        signer = try NoteSigner(name: "starling.example/crash", signingKey: key)
    }

    /// The number of entries of the log; nil if the log does not hold.
    func auditedCount() throws(StorageError) -> UInt64? {
        let key = signer.key
        let result = try store.read { (transaction) throws(StorageError) in
            try transaction.auditLog(key: key)
        }
        return try? result.get().entryCount
    }

    /// Runs to the end; `after` is called after every transaction.
    func run(after: () throws -> Void) throws {
        if try store.read({ (transaction) throws(StorageError) in
            try transaction.setting("manifest") == nil
        }) {
            try join()
            try after()
        }
        while let height = try nextHeight() {
            try runRound(height, after: after)
        }
    }

    private func nextHeight() throws(StorageError) -> UInt64? {
        let last = try store.read { (transaction) throws(StorageError) in
            try transaction.lastEntryHeight() ?? 0
        }
        return last < roundCount ? last + 1 : nil
    }

    private func join() throws {
        let entries = [try entry(.joined, height: 0)]
        try store.write { (transaction) throws(StorageError) in
            try transaction.putSetting("manifest", [UInt8](repeating: 1, count: 300))
            try transaction.putPeer([9, 9], [1, 2, 3])
            try transaction.appendLog(entries, signer: signer)
        }
    }

    private func runRound(_ height: UInt64, after: () throws -> Void) throws {
        if try !store.read({ (transaction) throws(StorageError) in
            try transaction.record("proposal/\(height)") != nil
        }) {
            try propose(height)
            try after()
        }
        let id = objectID(height)
        let chunkCount = chunkCount
        while let index = try store.read({ (transaction) throws(StorageError) in
            try transaction.missingChunkIndices(of: id, count: chunkCount).first
        }) {
            try store.write { (transaction) throws(StorageError) in
                try transaction.putChunk(chunk(height, index), of: id, index: index)
            }
            try after()
        }
        try decide(height)
        try after()
    }

    private func propose(_ height: UInt64) throws {
        let entries = [try entry(.updateAnnounced, height: height)]
        try store.write { (transaction) throws(StorageError) in
            try transaction.putRecord("proposal/\(height)", [UInt8(height)])
            try transaction.putObjectManifest([1, UInt8(height)], id: objectID(height))
            try transaction.appendLog(entries, signer: signer)
        }
    }

    private func decide(_ height: UInt64) throws {
        let entries = [try entry(.aggregated, height: height), try entry(.result, height: height)]
        try store.write { (transaction) throws(StorageError) in
            try transaction.putEntry(height: height, [UInt8](repeating: UInt8(height), count: 900))
            try transaction.deleteRecords(prefix: "proposal/")
            try transaction.putPeer([9, 9], [UInt8(height)])
            if height > 1 {
                try transaction.deleteObject(objectID(height - 1))
            }
            try transaction.appendLog(entries, signer: signer)
        }
    }

    private func entry(_ kind: LeafKind, height: UInt64) throws -> LogEntry {
        try LogEntry(
            kind: kind, timeMilliseconds: 1000 * height, payload: [UInt8(height)],
            evidence: kind == .result ? [UInt8](repeating: UInt8(height), count: 5000) : nil
        )
    }

    private func objectID(_ height: UInt64) -> [UInt8] {
        [UInt8](repeating: UInt8(height), count: 32)
    }

    private func chunk(_ height: UInt64, _ index: UInt32) -> [UInt8] {
        [UInt8](repeating: UInt8(height) ^ UInt8(index), count: 20_000 + Int(index))
    }
}
