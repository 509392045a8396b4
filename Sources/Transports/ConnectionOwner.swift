internal import LibP2P

/// What a connection tells the swarm; called on the connection's event loop.
protocol ConnectionOwner: Sendable {
    /// Whether inbound streams of the protocol are served.
    func serves(_ protocolID: String) -> Bool
    /// The class of a protocol's streams.
    func priority(of protocolID: String) -> YamuxPriority
    /// A peer opened a stream and agreed on its protocol.
    func serve(_ stream: SwarmStream, on connection: ConnectionHandle)
    /// The connection is over.
    func connectionEnded(_ connection: ConnectionHandle, _ reason: DisconnectReason)
}
