import Cryptography
import LibP2P
import Logging
import NIOPosix
import NodeServices
import Testing
import Transports

/// A swarm on a free loopback port with the services at it, for the length of a test.
final class LoopbackNode: Sendable {
    let key: SigningKey
    let swarm: Swarm
    let clock = ManualClock()
    let store = MemoryObjectStore()
    let logger: Logger
    /// The swarm's events, after the connector has had them.
    let events: AsyncStream<SwarmEvent>
    private let eventsContinuation: AsyncStream<SwarmEvent>.Continuation

    init() {
        var logger = Logger(label: "node")
        logger.logLevel = .critical
        self.logger = logger
        key = SigningKey.generate()
        let listen = (try? Multiaddr("/ip4/127.0.0.1/tcp/0")).map { [$0] } ?? []
        swarm = Swarm(
            configuration: SwarmConfiguration(
                identity: key, listenAddresses: listen, agentVersion: "starling/test",
                protocolVersion: "/starling/test/1"),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        (events, eventsContinuation) = AsyncStream.makeStream(of: SwarmEvent.self)
    }

    var id: PeerID { swarm.peerID }

    /// Serves the store to everybody; `bend` changes what is said.
    func serveObjects(
        bend: (@Sendable (TransferFrame) async -> TransferFrame?)? = nil
    ) {
        let server = ObjectServer(
            store: store, clock: clock.service, logger: logger, mayServe: { _, _ in true })
        guard let bend else { return server.register(at: swarm) }
        swarm.register(protocol: TransferProtocol.id) { peer, stream in
            await server.serve(BentStream(base: stream, bend: bend), to: peer)
        }
    }

    func makeFetcher() -> ObjectFetcher {
        ObjectFetcher(store: store, streams: swarm, clock: clock.service, logger: logger)
    }

    /// A connector that is registered and has a seeded generator.
    func makeConnector(
        configured: [Multiaddr], view: PassiveView = PassiveView()
    ) -> PeerConnector {
        let connector = PeerConnector(
            swarm: swarm, localPeer: id, configured: configured, view: view, clock: clock.service,
            generator: SeededGenerator(seed: 1), logger: logger,
            ownRecord: { [swarm, key, clock] in
                try? PeerRecord(
                    peerID: swarm.peerID, sequenceNumber: clock.service.unixMilliseconds(),
                    addresses: swarm.listenAddresses
                ).sealed(by: key)
            },
            persist: { _ in })
        connector.register(at: swarm)
        return connector
    }

    /// Hands the swarm's events to the connector until the swarm ends.
    func forwardEvents(to connector: PeerConnector?) async {
        for await event in swarm.events {
            connector?.handle(event)
            eventsContinuation.yield(event)
        }
        eventsContinuation.finish()
    }

    /// Waits for an event.
    func waitFor(_ isWanted: (SwarmEvent) -> Bool) async {
        for await event in events where isWanted(event) { return }
        Issue.record("the swarm ended before the event")
    }

    func waitForConnection(with peer: PeerID) async {
        await waitFor { if case .connected(peer, _, _) = $0 { true } else { false } }
    }

    func waitForDisconnection(from peer: PeerID) async {
        await waitFor { if case .disconnected(peer, _) = $0 { true } else { false } }
    }
}

/// A small generator that repeats itself.
struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
