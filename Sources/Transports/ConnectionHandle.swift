internal import LibP2P
internal import NIOCore
internal import Synchronization

/// A connection as seen from other threads: who is at the other end, and a way onto its loop.
final class ConnectionHandle: Sendable {
    let id: UInt64
    let peer: PeerID
    let isDialer: Bool
    /// The other end of the socket.
    let remoteAddress: Multiaddr
    let channel: any Channel
    /// The way through a relay; nil for a connection over a socket of its own.
    let route: CircuitRoute?
    /// When the connection came about.
    let since = ContinuousClock.now
    private let connection: NIOLoopBound<Connection>
    private let services = Mutex(Services())

    /// What the peer uses of the swarm's own services.
    private struct Services {
        /// What the other side of this connection calls its program.
        var agent: String?
        var pingStreamCount = 0
        var pushCount = 0
        var pushPeriodStart = ContinuousClock.now
    }

    /// Call on the connection's event loop.
    init(
        id: UInt64, peer: PeerID, isDialer: Bool, remoteAddress: Multiaddr, channel: any Channel,
        connection: Connection, route: CircuitRoute? = nil
    ) {
        self.id = id
        self.peer = peer
        self.isDialer = isDialer
        self.remoteAddress = remoteAddress
        self.channel = channel
        self.route = route
        self.connection = NIOLoopBound(connection, eventLoop: channel.eventLoop)
    }

    /// Whether the connection goes through a relay.
    var isRelayed: Bool { route != nil }

    /// Runs work on the event loop, after all work given before.
    func onLoop(_ body: @escaping @Sendable (Connection) -> Void) {
        channel.eventLoop.execute { [connection] in body(connection.value) }
    }

    /// What the other side of this connection calls its program, once it has said so.
    var agent: String? { services.withLock(\.agent) }

    /// Notes what the other side calls its program.
    func noteAgent(_ agent: String?) {
        services.withLock { $0.agent = agent }
    }

    /// Counts an inbound ping stream; false at the limit.
    func beginPing(max: Int) -> Bool {
        services.withLock { services in
            guard services.pingStreamCount < max else { return false }
            services.pingStreamCount += 1
            return true
        }
    }

    /// The end of a counted ping stream.
    func endPing() {
        services.withLock { $0.pingStreamCount -= 1 }
    }

    /// Counts an identify push; false at the limit.
    func takePush(perMinute max: Int) -> Bool {
        services.withLock { services in
            let now = ContinuousClock.now
            if now - services.pushPeriodStart >= .seconds(60) {
                services.pushPeriodStart = now
                services.pushCount = 0
            }
            services.pushCount += 1
            return services.pushCount <= max
        }
    }
}
