internal import Foundation
internal import GossipLog
internal import Storage

/// The proof that one entry is in a node's log, for others to check.
public struct EntryProof: Sendable {
    /// The entry's bytes.
    public let leaf: [UInt8]
    /// The proof with the checkpoint that it leads to, in C2SP's tlog-proof form.
    public let proof: [UInt8]
    /// The entries below the checkpoint.
    public let size: UInt64
    /// The log's key in its text form.
    public let key: String

    /// Makes the proof for an entry of a home's log.
    ///
    /// - Throws: ``NodeError`` with code `notFound` where the log has no such entry.
    public static func make(
        home: NodeHome, index: UInt64
    ) async throws(NodeError) -> EntryProof {
        let log = try await StoredLog.open(home: home)
        guard let note = try await log.store.publishedTreeHead() else {
            throw NodeError(.notFound, "The log has no entries yet.")
        }
        let head = try log.treeHead(note)
        let size = head.head.size
        guard index < size else {
            throw NodeError(.notFound, "The log has \(size) entries; there is no entry \(index).")
        }
        let found = try await log.store.read { (transaction) throws(StorageError) in
            (
                leaf: try transaction.logLeaf(index),
                proof: try transaction.inclusionProofs(of: [index], size: size).first
            )
        }
        guard let leaf = found.leaf, let proof = found.proof else {
            throw NodeError(.verificationFailed, "Entry \(index) is not in the store.")
        }
        return EntryProof(
            leaf: leaf, proof: LogProof(proof, under: head).bytes, size: size,
            key: log.key.description)
    }
}
