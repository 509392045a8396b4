public import Cryptography

/// The first entry of a log that does not hold, and why.
public struct AuditFailure: Error, Hashable, Sendable {
    /// What is wrong with the entry.
    public enum Reason: Hashable, Sendable {
        /// The leaf is not there although later ones or tree heads are.
        case leafMissing
        /// The signed bytes are no leaf.
        case leafMalformed(LeafError)
        /// Leaf or order differ from what the log signed.
        case rootMismatch(signed: Digest, computed: Digest)
        /// There is no tree head right after the entry.
        case treeHeadMissing
        /// The tree head is malformed, of another log, or its signature is wrong.
        case treeHeadInvalid(TreeHeadError)
        /// The tree head holds, but the checksum beside it does not: one of them was changed.
        case treeHeadChecksum
        /// A stored row of hashes is missing, or is not that of the leaves.
        case tileMismatch(LogTile)
        /// The tree head stands at this entry and states another size.
        case treeHeadSize(expected: UInt64, stated: UInt64)
        /// The leaf names evidence that is not stored.
        case evidenceMissing(Digest)
        /// The stored evidence has another hash than the leaf says.
        case evidenceMismatch(expected: Digest, computed: Digest)
        /// The stored frontier is not that of the leaves.
        case frontierMismatch
        /// The log is shorter than a tree head that it once signed.
        case truncated(size: UInt64, signedSize: UInt64)
        /// What the leaf claims breaks a rule of whoever reads it.
        case claimRefused
        /// The log signed another root for this size before.
        case contradictsKnownTreeHead(known: Digest, computed: Digest)
    }

    /// The index of the first bad entry, from 0; the entry count where the log ends too early.
    public let entryIndex: UInt64
    /// What is wrong with it.
    public let reason: Reason

    /// Names an entry and the reason; for checks beyond the log's own, too.
    public init(entryIndex: UInt64, reason: Reason) {
        self.entryIndex = entryIndex
        self.reason = reason
    }
}

/// What an audit without failure found.
public struct AuditReport: Hashable, Sendable {
    /// The number of entries.
    public let entryCount: UInt64
    /// The last tree head; nil for a log without entries.
    public let treeHead: SignedTreeHead?
}
