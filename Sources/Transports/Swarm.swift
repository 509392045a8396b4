internal import Cryptography
public import LibP2P
public import Logging
public import NIOCore
internal import Synchronization

/// A node's connections: listens, dials, secures, multiplexes and identifies.
///
/// Every connection lives on one event loop. Identify and ping are served and asked by the swarm
/// itself.
public final class Swarm: Sendable {
    /// What serves a protocol's streams within the swarm.
    typealias Service = @Sendable (ConnectionHandle, SwarmStream) async -> Void

    /// Legal moves: idle → running → stopped, idle → stopped.
    enum Phase {
        case idle, running, stopped
    }

    struct State {
        var phase = Phase.idle
        var services: [String: Service] = [:]
        var table: ConnectionTable
        var gate: InboundGate
        var servers: [any Channel] = []
        /// Sockets that are not entered in the table yet.
        var upgrading: [ObjectIdentifier: any Channel] = [:]
        var addresses: [Multiaddr] = []
        var nextConnectionID: UInt64 = 0
        var identified: [PeerID: IdentifyMessage] = [:]
        var pinged: Set<PeerID> = []
        var recordSequenceNumber: UInt64 = 0
        var bans = Bans()
        var penalties = Penalties()
        /// What each connected peer takes of the node.
        var scopes: [PeerID: ResourceScope] = [:]
        /// Lines about sockets that were refused.
        var refusalLog = LogThrottle()
        /// Relays that take circuits for this node.
        var reservedRelays: Set<PeerID> = []
        var circuitAddresses: [Multiaddr] = []
        var confirmedAddresses: [Multiaddr] = []
    }

    /// This node.
    public let peerID: PeerID
    /// What happens on the connections.
    ///
    /// One consumer; the oldest 4 096 unread events are kept, so that a consumer that has gone
    /// costs no memory.
    public let events: AsyncStream<SwarmEvent>

    let configuration: SwarmConfiguration
    let group: any EventLoopGroup
    let logger: Logger
    let scope: ResourceScope
    let state: Mutex<State>
    /// What makes this node a relay for others; nil where it is none.
    let relayService: RelayService?
    private let continuation: AsyncStream<SwarmEvent>.Continuation
    private let observers = Mutex<[@Sendable (SwarmEvent) -> Void]>([])

    var limits: TransportLimits { configuration.limits }

    /// Makes a swarm that does nothing before `start()`.
    public init(
        configuration: SwarmConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.configuration = configuration
        group = eventLoopGroup
        self.logger = logger
        peerID = PeerID(publicKey: configuration.identity.publicKey)
        scope = ResourceScope(limits: configuration.limits)
        relayService = configuration.relay.map {
            RelayService(settings: $0, identity: configuration.identity, logger: logger)
        }
        state = Mutex(
            State(
                table: ConnectionTable(own: peerID, limits: configuration.limits),
                gate: InboundGate(limits: configuration.limits)
            )
        )
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(4_096))
        registerOwnServices()
        registerRelay()
    }

    /// Registers what serves the streams that peers open for a protocol; before `start()`.
    ///
    /// Peers that the configuration does not serve are not heard. When the handler returns, its
    /// write side is closed and unread input is discarded.
    public func register(
        protocol id: String, handler: @escaping @Sendable (PeerID, SwarmStream) async -> Void
    ) {
        let mayServe = configuration.mayServe
        register(id) { connection, stream in
            guard mayServe(connection.peer, id) else {
                stream.reset()
                return
            }
            await handler(connection.peer, stream)
        }
    }

    func register(_ id: String, service: @escaping Service) {
        state.withLock { state in
            precondition(state.phase == .idle, "\(id) registered after the start")
            state.services[id] = service
        }
    }

    /// The addresses at which this node is bound, each with `/p2p` and its id.
    public var listenAddresses: [Multiaddr] { state.withLock(\.addresses) }

    /// The peers with a connection, ascending.
    public var connectedPeers: [PeerID] { state.withLock(\.table.peers) }

    /// Whether there is a connection with a peer.
    public func isConnected(to peer: PeerID) -> Bool {
        state.withLock { $0.table.preferred(for: peer) != nil }
    }

    /// Opens a stream on the connection with a peer.
    ///
    /// Where identify has shown that the peer serves the protocol, the stream is returned at once
    /// and its first bytes travel with the proposal; a refusal then shows on the stream.
    ///
    /// - Throws: `notConnected`, `protocolUnsupported`, `streamLimitReached`, `timedOut`.
    public func openStream(
        to peer: PeerID, protocol id: String
    ) async throws(TransportError) -> SwarmStream {
        let serves = state.withLock { $0.identified[peer]?.protocols.contains(id) ?? false }
        return try await openStream(to: peer, protocol: id, isLazy: serves)
    }

    func openStream(
        to peer: PeerID, protocol id: String, isLazy: Bool
    ) async throws(TransportError) -> SwarmStream {
        guard let connection = state.withLock({ $0.table.preferred(for: peer) }) else {
            throw .notConnected(peer)
        }
        do {
            return try await openStream(on: connection, protocol: id, isLazy: isLazy)
        } catch {
            // The connection may have given way to another in the meantime.
            guard error.isOfConnection,
                let other = state.withLock({ $0.table.preferred(for: peer, besides: connection.id) }
                )
            else { throw error }
            return try await openStream(on: other, protocol: id, isLazy: false)
        }
    }

    func openStream(
        on connection: ConnectionHandle, protocol id: String, isLazy: Bool
    ) async throws(TransportError) -> SwarmStream {
        if let limit = connection.route?.limit, priority(of: id) == .bulk,
            !limit.carries(configuration.circuitByteCountMin)
        {
            throw .circuitTooSmall(limit, neededByteCount: configuration.circuitByteCountMin)
        }
        let promise = connection.channel.eventLoop.makePromise(of: SwarmStream.self)
        connection.onLoop { connection in
            connection.openStream(protocolID: id, isLazy: isLazy, promise: promise)
        }
        do {
            return try await promise.futureResult.get()
        } catch {
            throw (error as? TransportError) ?? .connectionClosed(.remoteClosed)
        }
    }

    /// Closes the connections with a peer; what is queued on them is sent first.
    public func disconnect(_ peer: PeerID, reason: String) async {
        await close(state.withLock { $0.table.connections(with: peer) }, .requested(reason))
    }

    /// Replaces the list of who may not be connected with, and closes what it forbids.
    ///
    /// It holds for sockets that come and for dials from now on.
    public func setBans(_ bans: Bans) {
        let forbidden = state.withLock { state in
            state.bans = bans
            return state.table.all.filter { handle in
                bans.contains(handle.peer) || bans.contains(handle.remoteAddress)
            }
        }
        for connection in forbidden { connection.onLoop { $0.end(.banned) } }
    }

    /// Closes everything; streams in use fail with `connectionClosed(.shutdown)`.
    ///
    /// Returns when all sockets are closed. The swarm cannot be started again.
    public func shutdown() async {
        let (servers, upgrading, connections) = state.withLock { state in
            state.phase = .stopped
            return (state.servers, Array(state.upgrading.values), state.table.all)
        }
        for channel in servers + upgrading {
            channel.close(promise: nil)
        }
        // Their farewells go through connections that are closed after them.
        await close(connections.filter(\.isRelayed), .shutdown)
        await close(connections.filter { !$0.isRelayed }, .shutdown)
        for channel in servers + upgrading {
            await channel.closed()
        }
        continuation.finish()
    }

    func close(_ connections: [ConnectionHandle], _ reason: DisconnectReason) async {
        for connection in connections {
            connection.onLoop { $0.end(reason) }
        }
        for connection in connections {
            await connection.channel.closed()
        }
    }

    /// Has every event handed to a further consumer, which returns at once and asks the swarm
    /// nothing; before `start()`.
    public func observe(_ observer: @escaping @Sendable (SwarmEvent) -> Void) {
        observers.withLock { $0.append(observer) }
    }

    /// Tells the consumer of `events`, and whoever observes them.
    func emit(_ event: SwarmEvent) {
        for observer in observers.withLock({ $0 }) { observer(event) }
        if case .dropped = continuation.yield(event) {
            logger.warning("events are not consumed; one is dropped")
        }
    }
}

extension Channel {
    /// Waits until the channel is closed; there is no other outcome.
    func closed() async {
        await withCheckedContinuation { continuation in
            closeFuture.whenComplete { _ in continuation.resume() }
        }
    }
}

extension TransportError {
    /// Whether another connection with the same peer may do better.
    fileprivate var isOfConnection: Bool {
        switch self {
        case .connectionClosed, .streamReset: true
        default: false
        }
    }
}
