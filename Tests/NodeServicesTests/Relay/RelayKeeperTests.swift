import Cryptography
import LibP2P
import Logging
import NIOPosix
import Testing
import Transports

@testable import NodeServices

@Suite(.timeLimit(.minutes(1))) struct RelayKeeperTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func makeSwarm(
        listen: [String] = ["/ip4/127.0.0.1/tcp/0"], relay: RelayHopSettings? = nil
    ) throws -> Swarm {
        var configuration = SwarmConfiguration(
            identity: .generate(), listenAddresses: try listen.map(Multiaddr.init),
            agentVersion: "starling/test", protocolVersion: "/starling/test/1")
        configuration.relay = relay
        return Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Self.logger)
    }

    /// A node that listens nowhere, and what it tells.
    private final class Node: Sendable {
        let swarm: Swarm
        let keeper: RelayKeeper

        init(_ swarm: Swarm, _ choice: RelayChoice, byteCountMin: UInt64 = 0) {
            self.swarm = swarm
            var settings = RelayClientSettings()
            settings.retryWait = .milliseconds(100)
            let (stream, sink) = AsyncStream.makeStream(of: [Multiaddr].self)
            tellings = stream
            keeper = RelayKeeper(
                choice: choice, swarm: swarm, byteCountMin: byteCountMin, settings: settings,
                logger: RelayKeeperTests.logger
            ) { addresses in
                swarm.setCircuitAddresses(addresses)
                sink.yield(addresses)
            }
        }

        let tellings: AsyncStream<[Multiaddr]>

        /// Runs the keeper while a test does its work.
        func whileKeeping(_ body: () async throws -> Void) async throws {
            let keeping = Task { await keeper.run() }
            do {
                try await body()
            } catch {
                keeping.cancel()
                throw error
            }
            keeping.cancel()
            await keeping.value
        }
    }

    @Test func `a named relay is dialled, and one that dies is asked again when it is back`()
        async throws
    {
        let relay = try makeSwarm(relay: RelayHopSettings())
        let way = try #require(try await relay.start().first)
        let port = try #require(way.tcpEndpoint).port
        let node = Node(try makeSwarm(listen: []), .configured([way]))
        _ = try await node.swarm.start()
        try await node.whileKeeping {
            var tellings = node.tellings.makeAsyncIterator()
            let circuit = try Multiaddr(relay: way, target: node.swarm.peerID)
            let telling1 = await tellings.next()
            #expect(telling1 == [circuit])
            #expect(node.keeper.reservedRelays == [relay.peerID])
            #expect(node.swarm.toldAddresses == [circuit])
            await relay.shutdown()
            let telling2 = await tellings.next()
            #expect(telling2 == [])
            // The relay that comes back has another key: it is not the one that was named.
            let stranger = try makeSwarm(
                listen: ["/ip4/127.0.0.1/tcp/\(port)"], relay: RelayHopSettings())
            _ = try await stranger.start()
            try await Task.sleep(for: .milliseconds(300))
            #expect(node.keeper.reservedRelays.isEmpty)
            await stranger.shutdown()
        }
        await node.swarm.shutdown()
    }

    @Test func `a peer that offers the service is asked once it is needed, and renewed`()
        async throws
    {
        var settings = RelayHopSettings()
        // Whole seconds of Unix time: it lives for 9 at least, and is renewed after 6.
        settings.reservationSeconds = 10
        let relay = try makeSwarm(relay: settings)
        let way = try #require(try await relay.start().first)
        let node = Node(try makeSwarm(listen: []), .automatic)
        _ = try await node.swarm.start()
        try await node.whileKeeping {
            var tellings = node.tellings.makeAsyncIterator()
            try await node.swarm.dial(way)
            node.keeper.setNeeded(true)
            let circuit = try Multiaddr(relay: way, target: node.swarm.peerID)
            let telling3 = await tellings.next()
            #expect(telling3 == [circuit])
            // After its life it is still there, and was never told to be gone.
            try await Task.sleep(for: .seconds(11))
            #expect(relay.relayedPeers == [node.swarm.peerID])
            let dialer = try makeSwarm(listen: [])
            _ = try await dialer.start()
            #expect(try await dialer.dial(circuit) == node.swarm.peerID)
            #expect(node.swarm.toldAddresses == [circuit])
            await dialer.shutdown()
            node.keeper.setNeeded(false)
            let telling4 = await tellings.next()
            #expect(telling4 == [])
        }
        await node.swarm.shutdown()
        await relay.shutdown()
    }

    @Test func `without relays, or told to use none, nothing is asked`() async throws {
        let relay = try makeSwarm(relay: RelayHopSettings())
        let way = try #require(try await relay.start().first)
        let node = Node(try makeSwarm(listen: []), .off)
        _ = try await node.swarm.start()
        try await node.whileKeeping {
            node.keeper.setNeeded(true)
            try await node.swarm.dial(way)
            _ = try await node.swarm.ping(relay.peerID)
            try await Task.sleep(for: .milliseconds(200))
            #expect(relay.relayedPeers.isEmpty && node.keeper.reservedRelays.isEmpty)
        }
        await node.swarm.shutdown()
        await relay.shutdown()
    }

    @Test func `a relay that was found and carries too little is left alone`() async throws {
        var settings = RelayHopSettings()
        settings.limit = CircuitLimit(seconds: 120, byteCount: 131_072)
        let relay = try makeSwarm(relay: settings)
        let way = try #require(try await relay.start().first)
        let node = Node(try makeSwarm(listen: []), .automatic, byteCountMin: 1 << 20)
        _ = try await node.swarm.start()
        try await node.whileKeeping {
            node.keeper.setNeeded(true)
            try await node.swarm.dial(way)
            while relay.relayedPeers.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            try await Task.sleep(for: .milliseconds(100))
            #expect(node.keeper.reservedRelays.isEmpty && node.swarm.toldAddresses.isEmpty)
        }
        await node.swarm.shutdown()
        await relay.shutdown()
    }

    @Test func `the setting is read as written`() throws {
        let text =
            "/ip4/203.0.113.5/tcp/7411/p2p/\(PeerID(publicKey: SigningKey.generate().publicKey))"
        #expect(try RelayChoice(nil) == .automatic)
        #expect(try RelayChoice(["auto"]) == .automatic)
        #expect(try RelayChoice(["none"]) == .off)
        #expect(try RelayChoice([text]) == .configured([Multiaddr(text)]))
        for wrong in ["/ip4/203.0.113.5/tcp/7411", "nonsense", "\(text)/p2p-circuit"] {
            let error = #expect(throws: NodeError.self) { try RelayChoice([wrong]) }
            #expect(error?.code == .invalidInput)
        }
    }
}
