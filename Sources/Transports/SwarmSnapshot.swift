public import LibP2P
internal import NIOCore
internal import Synchronization

/// What a swarm has open at one moment.
public struct SwarmSnapshot: Sendable {
    /// One connection.
    public struct Connection: Sendable {
        /// The other side.
        public let peer: PeerID
        /// Its end of the socket.
        public let address: Multiaddr
        /// Whether this node dialled.
        public let isDialer: Bool
        /// The relay that the connection goes through; nil for none.
        public let relay: PeerID?
        /// How long it has been there.
        public let age: Duration
        /// What the peer calls its program, once it has said so.
        public let agentVersion: String?
        /// Where the peer sees this node, once it has said so.
        public let observedAddress: Multiaddr?
        /// The streams with the peer, on all its connections.
        public let streamCount: Int
        /// The bytes that are promised to the peer or held for it.
        public let heldByteCount: Int
        /// The bytes sent to the peer and received from it.
        public let byteCounts: (sent: UInt64, received: UInt64)
    }

    /// The connections, in the order in which they came about.
    public let connections: [Connection]
    /// The streams of all connections.
    public let streamCount: Int
    /// The bytes that are promised to peers or held for them.
    public let heldByteCount: Int
    /// The bytes sent and received on all sockets so far.
    public let byteCounts: (sent: UInt64, received: UInt64)
}

extension Swarm {
    /// What is open at this moment.
    public func snapshot() -> SwarmSnapshot {
        let now = ContinuousClock.now
        let connections = state.withLock { state in
            state.table.all.map { handle in
                let identified = state.identified[handle.peer]
                let scope = state.scopes[handle.peer]
                return SwarmSnapshot.Connection(
                    peer: handle.peer, address: handle.remoteAddress, isDialer: handle.isDialer,
                    relay: handle.route?.relay,
                    age: now - handle.since, agentVersion: handle.agent ?? identified?.agentVersion,
                    observedAddress: identified?.observedAddress,
                    streamCount: scope?.streamCount ?? 0,
                    heldByteCount: scope?.usedByteCount ?? 0,
                    byteCounts: scope?.byteCounts ?? (0, 0))
            }
        }
        return SwarmSnapshot(
            connections: connections, streamCount: scope.streamCount,
            heldByteCount: scope.usedByteCount, byteCounts: scope.byteCounts)
    }
}
