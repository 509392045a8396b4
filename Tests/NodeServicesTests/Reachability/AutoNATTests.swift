import Cryptography
import LibP2P
import Logging
import NIOPosix
import Testing
import Transports

@testable import NodeServices

@Suite(.timeLimit(.minutes(1))) struct AutoNATTests {
    private static let address = "/ip4/203.0.113.5/tcp/7411"

    private func makeSwarm(
        listen: [String], prepare: (Swarm, Logger) -> Void = { _, _ in }
    ) async throws -> Swarm {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let swarm = Swarm(
            configuration: SwarmConfiguration(
                identity: .generate(), listenAddresses: try listen.map(Multiaddr.init),
                agentVersion: "starling/test", protocolVersion: "/starling/test/1"),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        prepare(swarm, logger)
        _ = try await swarm.start()
        return swarm
    }

    private func makeServer() async throws -> Swarm {
        try await makeSwarm(listen: ["/ip4/127.0.0.1/tcp/0"]) { swarm, logger in
            ReachabilityService(swarm: swarm, networkKey: nil, logger: logger).register()
        }
    }

    @Test func `a node that can be dialled is told so, and one that cannot too`() async throws {
        let server = try await makeServer()
        let open = try await makeSwarm(listen: ["/ip4/127.0.0.1/tcp/0"])
        let closed = try await makeSwarm(listen: [])
        let way = try #require(server.listenAddresses.first)
        let own = try #require(open.listenAddresses.first)
        for (node, address, outcome) in [
            (open, own.removingPeerID(), ReachabilityCheck.Outcome.reached),
            (closed, try Multiaddr("/ip4/127.0.0.1/tcp/1"), .notConnected),
        ] {
            try await node.dial(way)
            let trials = try await AutoNATAsker(streams: node).ask(
                server.peerID, own: node.peerID, at: [address])
            #expect(trials == [.init(address: address, outcome: outcome)])
        }
        for swarm in [server, open, closed] { await swarm.shutdown() }
    }

    @Test func `nobody has the server dial other hosts, or for others`() async throws {
        let server = try await makeServer()
        let node = try await makeSwarm(listen: [])
        try await node.dial(try #require(server.listenAddresses.first))
        let stream = try await node.openStream(
            to: server.peerID, protocol: AutoNATMessage.protocolID)
        try await stream.writeLengthPrefixed(
            AutoNATMessage.dial(node.peerID, [try Multiaddr(Self.address)]).bytes)
        let answer = try #require(try await stream.readLengthPrefixed(maxByteCount: 4_096))
        guard case .response(.dialRefused, _, nil) = try AutoNATMessage(bytes: answer) else {
            Issue.record("\(try AutoNATMessage(bytes: answer))")
            return
        }
        let other = try await makeSwarm(listen: [])
        try await other.dial(try #require(server.listenAddresses.first))
        let second = try await other.openStream(
            to: server.peerID, protocol: AutoNATMessage.protocolID)
        try await second.writeLengthPrefixed(
            AutoNATMessage.dial(node.peerID, [try Multiaddr("/ip4/127.0.0.1/tcp/1")]).bytes)
        let refusal = try #require(try await second.readLengthPrefixed(maxByteCount: 4_096))
        guard case .response(.badRequest, _, nil) = try AutoNATMessage(bytes: refusal) else {
            Issue.record("\(try AutoNATMessage(bytes: refusal))")
            return
        }
        for swarm in [server, node, other] { await swarm.shutdown() }
    }

    @Test func `an answer about another address than was asked proves nothing`() throws {
        let asked = try Multiaddr(Self.address)
        let other = try Multiaddr("/ip4/203.0.113.6/tcp/7411")
        #expect(
            AutoNATAsker.trials(.response(.ok, text: "", other), at: [asked]).isEmpty)
        #expect(AutoNATAsker.trials(.response(.ok, text: "", nil), at: [asked]).isEmpty)
        #expect(
            AutoNATAsker.trials(.response(.dialRefused, text: "", nil), at: [asked]).isEmpty)
        #expect(
            AutoNATAsker.trials(.response(.dialError, text: "", nil), at: [asked])
                == [.init(address: asked, outcome: .notConnected)])
    }
}
