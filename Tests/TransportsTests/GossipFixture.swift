import Cryptography
import LibP2P
import Logging
import NIOPosix
import Testing
import Transports

/// A swarm with gossip on loopback, whose messages are collected.
final class GossipNode: Sendable {
    static let topic = "/starling/test/control/1"

    let swarm: Swarm
    let service: GossipService
    let messages: AsyncStream<GossipMessage>

    /// Heartbeats ten times a second, so that tests need not wait; the rest is as it is.
    static var configuration: GossipConfiguration {
        var configuration = GossipConfiguration()
        configuration.parameters.heartbeatInterval = .milliseconds(100)
        return configuration
    }

    init(
        configuration: GossipConfiguration = GossipNode.configuration,
        limits: TransportLimits = TransportLimits(),
        judge: @escaping @Sendable (GossipMessage) -> GossipVerdict = { _ in .accept }
    ) throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        swarm = Swarm(
            configuration: SwarmConfiguration(
                identity: SigningKey.generate(),
                listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
                agentVersion: "starling/test", protocolVersion: "/starling/test/1",
                limits: limits),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        service = GossipService(swarm: swarm, configuration: configuration, logger: logger)
        messages = try service.subscribe(to: Self.topic) { message, _ in judge(message) }
    }

    var peerID: PeerID { swarm.peerID }

    /// Starts the nodes, runs their gossip for the length of a call, and shuts them down.
    static func with<Result: Sendable>(
        _ nodes: [GossipNode], body: () async throws -> Result
    ) async throws -> Result {
        for node in nodes { _ = try await node.swarm.start() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for node in nodes { group.addTask { await node.service.run() } }
            defer { group.cancelAll() }
            do {
                let result = try await body()
                for node in nodes { await node.swarm.shutdown() }
                return result
            } catch {
                for node in nodes { await node.swarm.shutdown() }
                throw error
            }
        }
    }

    /// Connects to another node.
    func dial(_ other: GossipNode) async throws {
        try await swarm.dial(try other.swarm.address)
    }

    /// Reads messages until so many have come.
    func read(_ count: Int) async -> [GossipMessage] {
        var read: [GossipMessage] = []
        for await message in messages {
            read.append(message)
            if read.count == count { break }
        }
        return read
    }

    /// Waits until the mesh has at least so many peers.
    func meshed(_ count: Int = 1) async {
        await eventually { self.service.meshPeers(of: Self.topic).count >= count }
    }

    /// Waits until so many connected peers are known to want the topic.
    func subscribed(_ count: Int) async {
        await eventually { self.service.subscribers(of: Self.topic).count >= count }
    }
}

/// Waits until something is so; the test's own time limit ends the wait.
func eventually(_ condition: () -> Bool) async {
    while !condition(), !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(5))
    }
}
