public import LibP2P

/// Why an operation of a swarm or of one of its streams failed.
public enum TransportError: Error, Hashable, Sendable {
    /// The swarm is not started, or has been shut down.
    case notRunning
    /// A listen address could not be bound; the code is `errno` where the system gave one.
    case bindFailed(address: Multiaddr, code: Int32?, detail: String)
    /// The address is not TCP over IPv4, IPv6 or a DNS name.
    case unsupportedAddress(Multiaddr)
    /// No TCP connection came about; the code is `errno` where the system gave one.
    case dialFailed(address: Multiaddr, code: Int32?, detail: String)
    /// The TCP connection, or looking its name up, took longer than the limit.
    case dialTimedOut(address: Multiaddr, after: Duration)
    /// The dialled peer is this node itself.
    case dialledSelf
    /// The other side proved another identity than the address names.
    case peerMismatch(expected: PeerID, actual: PeerID)
    /// The connection ended before it was secured and multiplexed.
    case upgradeFailed(stage: UpgradeStage, reason: DisconnectReason)
    /// No further connection is allowed: to this peer, from this address or at all.
    case connectionLimitReached(ResourceLimit)
    /// The peer, or its address, is banned here.
    case banned
    /// The swarm may dial some addresses only, and this is none of them.
    case hostNotAllowed(String)
    /// The peer broke the rules a moment ago and is not talked to for so long.
    case penalised(remaining: Duration)
    /// There is no connection with the peer.
    case notConnected(PeerID)
    /// The peer does not serve the protocol.
    case protocolUnsupported(String)
    /// The peer sent bytes that the stream's negotiation cannot contain, or none in time.
    case negotiationFailed(LibP2PError)
    /// Too many streams are open or not yet acknowledged.
    case streamLimitReached
    /// A bound on streams allows no further one.
    case streamRefused(ResourceLimit)
    /// The stream was reset by either side.
    case streamReset
    /// The own side of the stream has been closed already.
    case writeClosed
    /// The connection ended under the stream.
    case connectionClosed(DisconnectReason)
    /// The stream ended inside a message.
    case endedEarly(expectedByteCount: Int, receivedByteCount: Int)
    /// A message announced more bytes than the reader allows.
    case messageTooLarge(byteCount: UInt64, limit: Int)
    /// A length prefix is not a minimal unsigned varint.
    case malformedLength
    /// The peer did not answer in time.
    case timedOut(after: Duration)
    /// The task was cancelled while it waited.
    case cancelled
    /// A relay refused a reservation or a circuit, or the far end did.
    case relayRefused(RelayStatus)
    /// The relay's limit is too small for what bulk streams send.
    case circuitTooSmall(CircuitLimit, neededByteCount: UInt64)
    /// The echo of a ping differed from what was sent.
    case pingMismatch
}

/// The steps from a TCP connection to a multiplexed one, in order.
public enum UpgradeStage: String, Hashable, Sendable {
    /// multistream-select for `/noise`.
    case security
    /// The three Noise messages.
    case handshake
    /// multistream-select for yamux, unless both sides sent their muxers early.
    case muxer
}
