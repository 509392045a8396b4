internal import Cryptography
internal import Federation
internal import Foundation
internal import GossipLog
internal import Storage

/// The log in a home, with whose it is.
struct StoredLog {
    let store: NodeStore
    let manifest: SignedManifest
    /// The node that keeps it.
    let member: PublicKey
    let key: NoteKey

    /// Opens the home for reading; needs no secret key.
    ///
    /// - Throws: ``NodeError``: `notFound` where the home has run in no federation yet.
    static func open(home: NodeHome) async throws(NodeError) -> StoredLog {
        let store = try NodeStore(home: home, access: .readOnly)
        guard let manifest = try await store.manifest(),
            let identity = try await store.setting(SettingKey.identity),
            let member = PublicKey(bytes: identity)
        else {
            throw NodeError(
                .notFound, "\(home.folder.path) has run in no federation yet: there is no log."
            )
        }
        return StoredLog(
            store: store, manifest: manifest, member: member,
            key: try NodeLog.key(manifest: manifest, member: member))
    }

    /// A head of this log from its note.
    ///
    /// - Throws: `verificationFailed` where the log did not sign it.
    func treeHead(_ note: [UInt8]) throws(NodeError) -> SignedTreeHead {
        do {
            return try SignedTreeHead(bytes: note, key: key)
        } catch {
            throw NodeError(
                .verificationFailed, "The stored tree head doesn't hold.", cause: error)
        }
    }

    /// The note of the head that this log keeps for the size that another note of it states.
    func treeHead(ofSizeIn note: [UInt8]?) async throws(NodeError) -> [UInt8]? {
        guard let note, let seen = try? SignedTreeHead(bytes: note, key: key) else { return nil }
        return try await store.read { (transaction) throws(StorageError) in
            try transaction.treeHead(size: seen.head.size)
        }
    }

    /// The hashes of all leaves with the newest head; nil for a log without entries.
    ///
    /// - Throws: `verificationFailed` where they don't belong together.
    func copy() async throws(NodeError) -> LogCopy? {
        let found = try await store.read { (transaction) throws(StorageError) in
            var hashes: [Digest] = []
            let size = try transaction.logTree().size
            while UInt64(hashes.count) < size {
                let leaves = try transaction.logLeaves(
                    from: UInt64(hashes.count), countMax: 4_096)
                guard !leaves.isEmpty else { break }
                hashes += leaves.map(MerkleTree.leafHash)
            }
            return (note: try transaction.latestTreeHead(), hashes: hashes)
        }
        guard let note = found.note else { return nil }
        do {
            return try LogCopy(key: key, head: try treeHead(note), leafHashes: found.hashes)
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(
                .verificationFailed, "The log is not that of its tree head.", cause: error)
        }
    }
}
