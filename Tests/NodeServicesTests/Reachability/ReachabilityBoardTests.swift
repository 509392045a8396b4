import Cryptography
import LibP2P
import Logging
import NIOPosix
import Testing
import Transports

@testable import NodeServices

@Suite(.timeLimit(.minutes(1))) struct ReachabilityBoardTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func makeSwarm(
        _ key: SigningKey = .generate(), listen: String, relay: RelayHopSettings? = nil
    ) throws -> Swarm {
        var configuration = SwarmConfiguration(
            identity: key, listenAddresses: [try Multiaddr(listen)],
            agentVersion: "starling/test", protocolVersion: "/starling/test/1")
        configuration.relay = relay
        return Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Self.logger)
    }

    /// A relay that dials back.
    private func makeHelper() async throws -> Swarm {
        let swarm = try makeSwarm(listen: "/ip4/127.0.0.1/tcp/0", relay: RelayHopSettings())
        ReachabilityService(swarm: swarm, networkKey: nil, logger: Self.logger).register()
        _ = try await swarm.start()
        return swarm
    }

    /// Runs board, keeper and watch of a node that knows helpers, until `isDone`.
    private func run(
        listen: String, helpers: [Swarm],
        until isDone: (Swarm, ReachabilityBoard, RelayKeeper) -> Bool
    ) async throws -> Bool {
        let key = SigningKey.generate()
        let swarm = try makeSwarm(key, listen: listen)
        let keeper = RelayKeeper(
            choice: .automatic, swarm: swarm, byteCountMin: 1 << 20, logger: Self.logger
        ) { swarm.setCircuitAddresses($0) }
        let board = ReachabilityBoard(swarm: swarm, logger: Self.logger) { keeper.setNeeded($0) }
        let watch = IdentityWatch(
            swarm: swarm, logger: Self.logger, report: { _ in }, board: board
        ) { addresses in
            let record = PeerRecord(
                peerID: swarm.peerID, sequenceNumber: 1,
                addresses: addresses.map { $0.removingPeerID() })
            guard let envelope = try? record.sealed(by: key) else { return nil }
            return try? SignedPeerRecord(envelope: envelope.bytes)
        }
        _ = try await swarm.start()
        let isRight = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await board.run() }
            group.addTask { await keeper.run() }
            group.addTask { await watch.run() }
            for helper in helpers {
                try await swarm.dial(try #require(helper.listenAddresses.first))
            }
            var isRight = false
            for _ in 0..<500 where !isRight {
                try await Task.sleep(for: .milliseconds(20))
                isRight = isDone(swarm, board, keeper)
            }
            group.cancelAll()
            return isRight
        }
        await swarm.shutdown()
        for helper in helpers { await helper.shutdown() }
        return isRight
    }

    @Test func `a node that peers dial in vain is private, and asks a relay by itself`()
        async throws
    {
        // What it dials with has another address than what it listens at.
        let helper = try await makeHelper()
        let relay = helper.peerID
        let isRight = try await run(listen: "/ip4/127.0.0.2/tcp/0", helpers: [helper]) {
            swarm, board, keeper in
            board.verdict == .private && keeper.reservedRelays == [relay]
                && swarm.toldAddresses.first?.circuit?.relay == relay
        }
        #expect(isRight)
    }

    @Test func `a node that two peers reach is public, tells that address and asks nobody`()
        async throws
    {
        let helpers = [try await makeHelper(), try await makeHelper()]
        let isRight = try await run(listen: "/ip4/127.0.0.1/tcp/0", helpers: helpers) {
            swarm, board, keeper in
            board.verdict == .public && keeper.reservedRelays.isEmpty
                && swarm.toldAddresses == swarm.listenAddresses
                && board.seenHosts.first?.host == "127.0.0.1"
                && board.seenHosts.first?.peerCount == 2
        }
        #expect(isRight)
    }
}
