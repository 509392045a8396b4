/// Certified entries of consecutive heights for a peer that lacks them, as many as one message
/// holds.
///
/// The instance orders them (``Directive/sendChain(fromHeight:to:)``), who holds the store fills the
/// batch.
public struct ChainBatch: Sendable {
    private var entries: [[UInt8]] = []
    /// 64 bytes pay for the frame around all.
    private var byteCount = 64

    /// Starts without entries.
    public init() {}

    /// Takes the bytes of the next entry, unless the message would become too long; returns whether
    /// it did.
    public mutating func add(_ entry: [UInt8]) -> Bool {
        // Each entry costs its length prefix as well.
        let sum = byteCount + entry.count + 8
        guard sum <= FederationProtocol.messageByteCountMax else { return false }
        byteCount = sum
        entries.append(entry)
        return true
    }

    /// The message to send; nil without entries.
    public var message: [UInt8]? {
        entries.isEmpty ? nil : MessageCodec.encode(.chain(entries))
    }
}
