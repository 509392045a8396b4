public import LibP2P
public import Transports

/// One stream with a peer, as far as a service of length-prefixed messages uses it.
///
/// A seam: the node passes `SwarmStream`s, tests pass streams in memory.
public protocol MessageStream: Sendable {
    /// The message behind an unsigned varint; nil if the peer closed its side before it.
    func readLengthPrefixed(maxByteCount: Int) async throws(TransportError) -> [UInt8]?

    /// Sends a message behind its length; returns once it is sent or queued.
    func writeLengthPrefixed(_ bytes: [UInt8]) async throws(TransportError)

    /// Closes the own side after everything written.
    func closeWrite() async

    /// Ends both directions at once, which fails a read or write that waits.
    func reset()
}

/// What opens streams to connected peers; the seam for `Swarm`.
public protocol StreamOpener: Sendable {
    /// Opens a stream on the connection with a peer.
    func openMessageStream(
        to peer: PeerID, protocol id: String
    ) async throws(TransportError) -> any MessageStream
}

extension SwarmStream: MessageStream {}

extension Swarm: StreamOpener {
    /// Opens a stream on the connection with a peer.
    public func openMessageStream(
        to peer: PeerID, protocol id: String
    ) async throws(TransportError) -> any MessageStream {
        try await openStream(to: peer, protocol: id)
    }
}
