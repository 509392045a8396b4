import Cryptography
import LibP2P
import Logging
import NIOPosix
import Synchronization
import Transports

/// How long a message takes to every other node of a network on loopback, all in one process.
enum GossipLatency {
    private struct Node {
        let swarm: Swarm
        let service: GossipService
        let messages: AsyncStream<GossipMessage>
    }

    private final class Arrivals: Sendable {
        private let durations = Mutex<[Duration]>([])

        func append(_ duration: Duration) { durations.withLock { $0.append(duration) } }

        var sorted: [Duration] { durations.withLock { $0.sorted() } }
    }

    private static let payloadByteCount = 300

    /// Each node dials four others; then random nodes publish, one message every 100 ms.
    static func run(nodeCount: Int, messageCount: Int) async throws {
        var nodes: [Node] = []
        for _ in 0..<nodeCount { nodes.append(try await makeNode()) }
        let arrivals = Arrivals()
        let clock = ContinuousClock()
        let start = clock.now
        try await withThrowingDiscardingTaskGroup { group in
            for node in nodes {
                group.addTask { await node.service.run() }
                group.addTask {
                    for await message in node.messages {
                        let sent = message.data.prefix(8).reduce(0) { $0 << 8 | Int64($1) }
                        arrivals.append(clock.now - start - .nanoseconds(sent))
                    }
                }
            }
            for (index, node) in nodes.enumerated() {
                for step in [1, 3, 7, 11] where step < nodeCount {
                    let other = nodes[(index + step) % nodeCount].swarm
                    try await node.swarm.dial(other.listenAddresses[0])
                }
            }
            try await Task.sleep(for: .seconds(5))
            for _ in 0..<messageCount {
                let nanoseconds = Int64((clock.now - start) / .nanoseconds(1))
                let stamp = (0..<8).map {
                    UInt8(truncatingIfNeeded: nanoseconds >> Int64(56 - 8 * $0))
                }
                let rest = [UInt8](repeating: 7, count: payloadByteCount - stamp.count)
                try nodes.randomElement()?.service.publish(stamp + rest, to: GossipProbe.topic)
                try await Task.sleep(for: .milliseconds(100))
            }
            try await Task.sleep(for: .seconds(2))
            for node in nodes { await node.swarm.shutdown() }
            group.cancelAll()
        }
        let sorted = arrivals.sorted
        guard let last = sorted.last else { return }
        func milliseconds(_ duration: Duration) -> String { "\(duration / .milliseconds(1))" }
        SwarmProbe.line(
            "latency",
            [
                "nodes": "\(nodeCount)", "expected": "\(messageCount * (nodeCount - 1))",
                "delivered": "\(sorted.count)",
                "p50ms": milliseconds(sorted[sorted.count / 2]),
                "p99ms": milliseconds(sorted[sorted.count * 99 / 100]),
                "maxms": milliseconds(last),
            ])
    }

    private static func makeNode() async throws -> Node {
        let logger = Logger(label: "probe", factory: { _ in SwiftLogNoOpLogHandler() })
        let swarm = Swarm(
            configuration: SwarmConfiguration(
                identity: SigningKey.generate(),
                listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
                agentVersion: "starling/probe", protocolVersion: "/starling/probe/1"),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let service = GossipService(swarm: swarm, logger: logger)
        let messages = try service.subscribe(to: GossipProbe.topic) { _, _ in .accept }
        _ = try await swarm.start()
        return Node(swarm: swarm, service: service, messages: messages)
    }
}
