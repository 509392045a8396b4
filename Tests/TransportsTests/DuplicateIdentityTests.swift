import Cryptography
import LibP2P
import Logging
import NIOPosix
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct DuplicateIdentityTests {
    private func make(
        _ key: SigningKey, tag: String, log: LogLines? = nil
    ) async throws -> Swarm {
        var limits = TransportLimits()
        // Every older process here answers or is gone; a busy machine must not count as dead.
        limits.livenessTimeout = .seconds(30)
        var configuration = SwarmConfiguration(
            identity: key, listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
            agentVersion: "starling/test", protocolVersion: "/starling/test/1", limits: limits)
        configuration.instanceTag = tag
        let lines = log ?? LogLines()
        let swarm = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test", factory: { _ in LineLogHandler(lines: lines) }))
        _ = try await swarm.start()
        return swarm
    }

    @Test func `a copy never takes the place of the node that is there`() async throws {
        let log = LogLines()
        let key = SigningKey.generate()
        let peer = try await make(.generate(), tag: "aaaaaaaa", log: log)
        let node = try await make(key, tag: "11111111")
        let copy = try await make(key, tag: "22222222")
        try await SwarmFixture.with(peer, node, copy) {
            try await node.dial(try peer.address)
            _ = await peer.identified()
            let address = try #require(peer.snapshot().connections.first).address
            try await copy.dial(try peer.address)
            let end = try #require(await copy.disconnected())
            #expect(end.1 == .remoteGoAway(code: DisconnectReason.duplicateIdentityCode))
            #expect(log.contains("two running nodes have one key"))
            #expect(peer.snapshot().connections.map(\.address) == [address])
            try await expectPing(node, peer)
        }
    }

    @Test func `a node that comes back after its process died is let in`() async throws {
        let key = SigningKey.generate()
        let peer = try await make(.generate(), tag: "aaaaaaaa")
        let node = try await make(key, tag: "11111111")
        let again = try await make(key, tag: "22222222")
        try await SwarmFixture.with(peer, again) {
            try await node.dial(try peer.address)
            _ = await peer.identified()
            await node.shutdown()
            _ = await peer.disconnected()
            try await again.dial(try peer.address)
            try await expectPing(again, peer)
            #expect(peer.connectedPeers == [again.peerID])
        }
    }

    @Test func `a second connection of one process stays`() async throws {
        let key = SigningKey.generate()
        let log = LogLines()
        let peer = try await make(.generate(), tag: "aaaaaaaa", log: log)
        let first = try await make(key, tag: "11111111")
        let second = try await make(key, tag: "11111111")
        try await SwarmFixture.with(peer, first, second) {
            try await first.dial(try peer.address)
            _ = await peer.identified()
            try await second.dial(try peer.address)
            _ = await peer.identified()
            try await expectPing(first, peer)
            try await expectPing(second, peer)
            #expect(peer.snapshot().connections.count == 2)
            #expect(!log.contains("one key"))
        }
    }
}
