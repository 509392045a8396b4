internal import Cryptography

/// A leaf with the raw bytes that its evidence hash stands for.
public struct LogEntry: Hashable, Sendable {
    /// The leaf.
    public let leaf: LogLeaf
    /// The evidence, kept beside the log and never part of the tree; nil where the leaf has none.
    public let evidence: [UInt8]?

    /// Makes a leaf whose evidence hash is that of these bytes.
    ///
    /// - Throws: `.tooLong` if the payload has more than `LogLeaf.payloadByteCountMax` bytes.
    public init(
        kind: LeafKind, timeMilliseconds: UInt64, payload: [UInt8], evidence: [UInt8]? = nil
    ) throws(LeafError) {
        leaf = try LogLeaf(
            kind: kind,
            timeMilliseconds: timeMilliseconds,
            payload: payload,
            evidenceHash: evidence.map { Hashing.sha256($0) }
        )
        self.evidence = evidence
    }
}
