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

        /// The times since the last call, ascending.
        func take() -> [Duration] {
            durations.withLock { durations in
                defer { durations = [] }
                return durations.sorted()
            }
        }
    }

    private static let payloadByteCount = 300

    /// Each node dials four others; then random nodes publish, one message every 100 ms.
    ///
    /// If asked, the same again while so many nodes send bulk to their neighbours as fast as it
    /// goes.
    static func run(nodeCount: Int, messageCount: Int, bulkCount: Int) async throws {
        let sunk = Atomic<Int>(0)
        var nodes: [Node] = []
        for _ in 0..<nodeCount {
            nodes.append(try await makeNode { sunk.add($0, ordering: .relaxed) })
        }
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
            try await publish(messageCount, nodes, since: start)
            report("latency", arrivals.take(), messageCount * (nodeCount - 1), bulkRate: nil)
            if bulkCount > 0 {
                for index in 0..<bulkCount {
                    let peer = nodes[(index + 1) % nodeCount].swarm.peerID
                    let swarm = nodes[index % nodeCount].swarm
                    group.addTask { await sendBulk(swarm, to: peer) }
                }
                try await Task.sleep(for: .seconds(2))
                let (before, begin) = (sunk.load(ordering: .relaxed), clock.now)
                try await publish(messageCount, nodes, since: start)
                let byteCount = sunk.load(ordering: .relaxed) - before
                report(
                    "latency under bulk", arrivals.take(), messageCount * (nodeCount - 1),
                    bulkRate: Double(byteCount) / 1e6 / ((clock.now - begin) / .seconds(1)))
            }
            for node in nodes { await node.swarm.shutdown() }
            group.cancelAll()
        }
    }

    private static func publish(
        _ count: Int, _ nodes: [Node], since start: ContinuousClock.Instant
    ) async throws {
        for _ in 0..<count {
            let nanoseconds = Int64((ContinuousClock.now - start) / .nanoseconds(1))
            let stamp = (0..<8).map {
                UInt8(truncatingIfNeeded: nanoseconds >> Int64(56 - 8 * $0))
            }
            let rest = [UInt8](repeating: 7, count: payloadByteCount - stamp.count)
            try nodes.randomElement()?.service.publish(stamp + rest, to: GossipProbe.topic)
            try await Task.sleep(for: .milliseconds(100))
        }
        try await Task.sleep(for: .seconds(2))
    }

    private static func report(
        _ event: String, _ sorted: [Duration], _ expected: Int, bulkRate: Double?
    ) {
        func milliseconds(_ duration: Duration?) -> String {
            duration.map { "\($0 / .milliseconds(1))" } ?? "none"
        }
        var values = [
            "expected": "\(expected)", "delivered": "\(sorted.count)",
            "p50ms": milliseconds(sorted.isEmpty ? nil : sorted[sorted.count / 2]),
            "p99ms": milliseconds(sorted.isEmpty ? nil : sorted[sorted.count * 99 / 100]),
            "maxms": milliseconds(sorted.last),
        ]
        values["bulkMegabytesPerSecond"] = bulkRate.map { "\($0)" }
        SwarmProbe.line(event, values)
    }

    /// Sends until the connection ends.
    private static func sendBulk(_ swarm: Swarm, to peer: PeerID) async {
        let piece = [UInt8](repeating: 0xA5, count: 256 << 10)
        do throws(TransportError) {
            let stream = try await swarm.openStream(to: peer, protocol: SwarmProbe.sinkProtocol)
            while !Task.isCancelled { try await stream.write(piece) }
        } catch {
            // The end of the measurement.
        }
    }

    private static func makeNode(
        onBulk: @escaping @Sendable (Int) -> Void
    ) async throws -> Node {
        let logger = Logger(label: "probe", factory: { _ in SwiftLogNoOpLogHandler() })
        let swarm = Swarm(
            configuration: SwarmConfiguration(
                identity: SigningKey.generate(),
                listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
                agentVersion: "starling/probe", protocolVersion: "/starling/probe/1"),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        swarm.register(protocol: SwarmProbe.sinkProtocol) { _, stream in
            do throws(TransportError) {
                while let bytes = try await stream.read(max: 1 << 20) { onBulk(bytes.count) }
            } catch {
                // The end of the measurement.
            }
        }
        let service = GossipService(swarm: swarm, logger: logger)
        let messages = try service.subscribe(to: GossipProbe.topic) { _, _ in .accept }
        _ = try await swarm.start()
        return Node(swarm: swarm, service: service, messages: messages)
    }
}
