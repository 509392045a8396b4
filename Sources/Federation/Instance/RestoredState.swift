/// Everything durable of a node: what a ``PeerInstance`` starts from, the first time and after
/// every restart.
///
/// Adapter states and update objects stay in the object store; the records name those it holds.
public struct RestoredState: Hashable, Sendable {
    /// The federation's manifest.
    public var manifest: SignedManifest
    /// The certified entries as `persistEntry` gave them, from height 1 without a gap.
    public var entries: [[UInt8]]
    /// The records as `persist` gave them.
    public var records: [String: [UInt8]]

    /// A first start has no entries and no records.
    public init(
        manifest: SignedManifest, entries: [[UInt8]] = [], records: [String: [UInt8]] = [:]
    ) {
        self.manifest = manifest
        self.entries = entries
        self.records = records
    }
}

/// Why the durable state of a node cannot be started from.
///
/// Each case means damage or another federation's store, never a peer's doing.
public enum RestoreError: Error, Hashable, Sendable {
    /// The entry at that height cannot be read or does not follow from the one before.
    case entryInvalid(height: UInt64, reason: RejectReason)
    /// The record under that key cannot be read.
    case recordInvalid(key: String)
    /// The base model that this node holds is not the manifest's.
    case baseModelMismatch
}
