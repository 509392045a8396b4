import Cryptography
import LibP2P
import Logging
import NIOPosix
import Transports

/// Gossip for the command line: publishes, reports what it hears, and says false things.
enum GossipProbe {
    static let topic = "/starling/test/announce/1"
    static let publishCount = 10

    /// Listens, dials if there is an address, publishes under the name, and goes on until it is
    /// ended.
    static func run(
        _ configuration: SwarmConfiguration, name: String, dial address: String?, logger: Logger
    ) async throws {
        let swarm = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        let service = GossipService(swarm: swarm, logger: logger)
        let messages = try service.subscribe(to: topic) { message, _ in
            message.data.starts(with: Array("refuse".utf8)) ? .reject : .accept
        }
        let addresses = try await swarm.start()
        SwarmProbe.emit("READY \(addresses[0])")
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { await service.run() }
            group.addTask {
                for await message in messages {
                    SwarmProbe.line(
                        "gossip",
                        [
                            "author": "\(message.author)",
                            "data": String(decoding: message.data, as: UTF8.self),
                        ])
                }
            }
            if let address { try await swarm.dial(try Multiaddr(address)) }
            while service.meshPeers(of: topic).isEmpty {
                try await Task.sleep(for: .milliseconds(50))
            }
            SwarmProbe.line("meshed", ["peer": "\(service.meshPeers(of: topic)[0])"])
            // The others need their meshes too.
            try await Task.sleep(for: .seconds(4))
            for number in 0..<publishCount {
                try await Task.sleep(for: .milliseconds(300))
                try service.publish(Array("\(name)-\(number)".utf8), to: topic)
            }
            if address != nil, let peer = swarm.connectedPeers.first {
                try await sendByHand(swarm, peer)
            }
            SwarmProbe.line("published", ["count": "\(publishCount)"])
        }
    }

    /// Sends a message with a broken signature and, behind it, a sound one of the same author.
    private static func sendByHand(_ swarm: Swarm, _ peer: PeerID) async throws {
        let key = SigningKey.generate()
        let stream = try await swarm.openStream(
            to: peer, protocol: GossipVersion.v11.protocolID)
        for (number, text) in ["broken-by-hand", "sound-by-hand"].enumerated() {
            var bytes = GossipMessage.sign(
                data: Array(text.utf8), topic: topic, sequenceNumber: UInt64(number), key: key
            ).bytes
            if number == 0 { bytes[bytes.count - 1] ^= 1 }
            var rpc = GossipRPC()
            rpc.messages = [bytes]
            try await stream.writeLengthPrefixed(rpc.bytes)
        }
        await stream.closeWrite()
    }
}
