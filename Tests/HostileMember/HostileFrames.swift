internal import Cryptography
internal import Federation
internal import LibP2P
internal import Logging
internal import NIOPosix
internal import Transports

/// Frames of a stranger: longer than any may be, no message at all, and the same question a thousand
/// times.
enum HostileFrames {
    private static let protocolID = "/starling/group/1.0.0"

    static func send(to victim: Multiaddr) async throws {
        var logger = Logger(label: "hostile")
        logger.logLevel = .error
        let swarm = Swarm(
            configuration: SwarmConfiguration(
                identity: SigningKey.generate(), listenAddresses: [],
                agentVersion: "starling/hostile", protocolVersion: "/starling/1"),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        _ = try await swarm.start()
        let question = LengthPrefixedDecoder.encode(ManifestExchange.request)
        let attacks: [(String, [UInt8])] = [
            ("oversized", [0xFF, 0xFF, 0xFF, 0x7F] + [UInt8](repeating: 7, count: 4_096)),
            ("endless length", [UInt8](repeating: 0xFF, count: 4_096)),
            ("no message", LengthPrefixedDecoder.encode([UInt8](repeating: 0xFF, count: 1_000))),
            ("replayed", Array(repeating: question, count: 1_000).flatMap { $0 }),
        ]
        for (name, bytes) in attacks {
            do throws(TransportError) {
                // Each anew: the victim may have ended the connection.
                let peer = try await swarm.dial(victim)
                let stream = try await swarm.openStream(to: peer, protocol: protocolID)
                try await stream.write(bytes)
                await stream.closeWrite()
                var count = 0
                while let answer = try await stream.read() { count += answer.count }
                print("\(name): \(count) bytes of answers")
            } catch {
                print("\(name): \(error)")
            }
        }
        await swarm.shutdown()
    }
}
