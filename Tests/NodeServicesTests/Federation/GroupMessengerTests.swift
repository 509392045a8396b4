import LibP2P
import Synchronization
import Testing
import Transports

@testable import NodeServices

@Suite(.timeLimit(.minutes(1))) struct GroupMessengerTests {
    private static let protocolID = GroupMessenger.Channel.group.protocolID

    @Test func `of a peer's many streams only the newest two are read`() async throws {
        let (node, peer) = (LoopbackNode(), LoopbackNode())
        let received = Mutex<[[UInt8]]>([])
        GroupMessenger(swarm: node.swarm, logger: node.logger).register { _, bytes in
            received.withLock { $0.append(bytes) }
        }
        _ = try await node.swarm.start()
        _ = try await peer.swarm.start()
        let address = try #require(node.swarm.listenAddresses.first).appending(node.id)
        try await peer.swarm.dial(address)
        var streams: [SwarmStream] = []
        for number in 0..<6 as Range<UInt8> {
            let stream = try await peer.swarm.openStream(to: node.id, protocol: Self.protocolID)
            try await stream.writeLengthPrefixed([number])
            streams.append(stream)
            // One after the other, so that the node meets them in this order.
            while !received.withLock({ $0.contains([number]) }) { await Task.yield() }
        }
        for stream in streams.dropLast(2) {
            await #expect(throws: TransportError.streamReset) { try await stream.read() }
        }
        for (stream, number) in zip(streams.suffix(2), [100, 101] as [UInt8]) {
            try await stream.writeLengthPrefixed([number])
            while !received.withLock({ $0.contains([number]) }) { await Task.yield() }
        }
        #expect(received.withLock(\.count) == 8)
        await peer.swarm.shutdown()
        await node.swarm.shutdown()
    }
}
