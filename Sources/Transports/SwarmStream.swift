public import LibP2P

/// One stream with a peer: two directions of bytes that end separately.
///
/// At most one task reads and at most one writes at a time.
public final class SwarmStream: Sendable {
    /// The protocol that both sides agreed on.
    public let protocolID: String
    /// The other side.
    public let peer: PeerID
    /// Whether this node opened the stream.
    public let isOutbound: Bool

    /// The next bytes, at least one and at most `max`; `nil` after the peer closed its side.
    ///
    /// Reading is what grants the peer further credit.
    /// - Throws: `streamReset` or `connectionClosed`, after the bytes received before it.
    public func read(max: Int = 65_536) async throws(TransportError) -> [UInt8]?

    /// Exactly `count` bytes; `nil` if the peer closed its side before the first one.
    /// - Throws: `endedEarly` if the peer closed its side in between.
    public func readExactly(_ count: Int) async throws(TransportError) -> [UInt8]?

    /// The message behind an unsigned varint; `nil` if the peer closed its side before it.
    /// - Throws: `messageTooLarge` before anything is read for it, `malformedLength`.
    public func readLengthPrefixed(maxByteCount: Int) async throws(TransportError) -> [UInt8]?

    /// Sends bytes; returns once they are sent or fit this stream's send queue.
    public func write(_ bytes: [UInt8]) async throws(TransportError)

    /// Sends a message behind its length as an unsigned varint.
    public func writeLengthPrefixed(_ bytes: [UInt8]) async throws(TransportError)

    /// Closes the own side after everything written.
    public func closeWrite() async

    /// Ends both directions at once; bytes on their way may be lost.
    public func reset()
}
