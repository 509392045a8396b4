public import LibP2P
public import Logging
public import NIOCore

/// A node's connections: listens, dials, secures, multiplexes and identifies.
///
/// Every connection lives on one event loop. Identify and ping are served and asked by the swarm
/// itself.
public final class Swarm: Sendable {
    /// This node.
    public let peerID: PeerID
    /// What happens on the connections. One consumer; the oldest 4 096 unread events are kept.
    public let events: AsyncStream<SwarmEvent>

    /// Makes a swarm that does nothing before `start()`.
    public init(
        configuration: SwarmConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger
    )

    /// Registers what serves the streams that peers open for a protocol; before `start()`.
    ///
    /// When the handler returns, its write side is closed and unread input is discarded.
    public func register(
        protocol id: String, handler: @escaping @Sendable (PeerID, SwarmStream) async -> Void
    )

    /// Binds the listen addresses.
    ///
    /// - Returns: The bound addresses, each with `/p2p` and this node's id.
    /// - Throws: `bindFailed` or `unsupportedAddress`; then nothing is bound.
    public func start() async throws(TransportError) -> [Multiaddr]

    /// Connects to an address, or names the peer of the connection that is already there.
    ///
    /// - Throws: `peerMismatch` if the address names another peer than the one that answers.
    @discardableResult
    public func dial(_ address: Multiaddr) async throws(TransportError) -> PeerID

    /// Opens a stream on the connection with a peer.
    ///
    /// Where identify has shown that the peer serves the protocol, the stream is returned at once
    /// and its first bytes travel with the proposal.
    public func openStream(
        to peer: PeerID, protocol id: String
    ) async throws(TransportError) -> SwarmStream

    /// The peers with a connection, ascending.
    public var connectedPeers: [PeerID] { get }

    /// Measures the time that a peer takes to echo 32 bytes.
    public func ping(_ peer: PeerID) async throws(TransportError) -> Duration

    /// Tells all connected peers that this node's addresses or protocols changed.
    public func pushIdentify() async

    /// Closes the connections with a peer.
    public func disconnect(_ peer: PeerID, reason: String) async

    /// Closes everything; streams in use fail with `connectionClosed(.shutdown)`.
    public func shutdown() async
}
