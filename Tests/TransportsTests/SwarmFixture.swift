import Cryptography
import LibP2P
import Logging
import NIOPosix
import Testing
import Transports

/// Swarms on loopback with the protocols that the tests use.
enum SwarmFixture {
    /// Sends back what comes, then closes.
    static let echo = "/test/echo/1.0.0"
    /// Answers the digest of all that came, once the opener has closed.
    static let digest = "/test/digest/1.0.0"
    /// Sends as many patterned bytes as its length-prefixed request says.
    static let source = "/test/source/1.0.0"
    /// Reads nothing, and writes until nobody takes it any more.
    static let hold = "/test/hold/1.0.0"
    /// Reads all that comes and answers nothing.
    static let stall = "/test/stall/1.0.0"

    static func make(
        seed: UInt8? = nil, limits: TransportLimits = TransportLimits(),
        listens: [String] = ["/ip4/127.0.0.1/tcp/0"], networkKey: NetworkKey? = nil,
        log: LogLines? = nil, protocolVersion: String = "/starling/test/1",
        relay: RelayHopSettings? = nil, circuitByteCountMin: UInt64 = 0,
        prepare: (Swarm) -> Void = { _ in }
    ) async throws -> Swarm {
        let key = seed.flatMap { SigningKey(seed: [UInt8](repeating: $0, count: 32)) }
        var configuration = SwarmConfiguration(
            identity: key ?? SigningKey.generate(),
            listenAddresses: try listens.map(Multiaddr.init),
            agentVersion: "starling/test", protocolVersion: protocolVersion, limits: limits
        )
        configuration.networkKey = networkKey
        configuration.relay = relay
        configuration.circuitByteCountMin = circuitByteCountMin
        let logger =
            log.map { log in Logger(label: "test", factory: { _ in LineLogHandler(lines: log) }) }
            ?? Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let swarm = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
        swarm.register(protocol: echo) { _, stream in
            while let bytes = try? await stream.read() {
                guard (try? await stream.write(bytes)) != nil else { return }
            }
        }
        swarm.register(protocol: digest) { _, stream in
            var hasher = BLAKE2bHasher()
            while let bytes = try? await stream.read() { hasher.update(bytes) }
            try? await stream.write(hasher.finalize().bytes)
        }
        swarm.register(protocol: source) { _, stream in
            guard let request = try? await stream.readLengthPrefixed(maxByteCount: 4) else {
                return
            }
            let count = request.reduce(0) { $0 << 8 | Int($1) }
            for start in stride(from: 0, to: count, by: 100_000) {
                let piece = pattern(start..<min(start + 100_000, count))
                guard (try? await stream.write(piece)) != nil else { return }
            }
        }
        swarm.register(protocol: stall) { _, stream in
            _ = try? await stream.readExactly(Int.max)
        }
        swarm.register(protocol: hold) { _, stream in
            let bytes = [UInt8](repeating: 0, count: 256 << 10)
            while (try? await stream.write(bytes)) != nil {}
        }
        prepare(swarm)
        _ = try await swarm.start()
        return swarm
    }

    /// Runs a test with swarms and shuts them down, whatever happens.
    static func with<Result>(
        _ swarms: Swarm..., body: () async throws -> Result
    ) async throws -> Result {
        do {
            let result = try await body()
            for swarm in swarms { await swarm.shutdown() }
            return result
        } catch {
            for swarm in swarms { await swarm.shutdown() }
            throw error
        }
    }

    /// Bytes that differ from block to block; made of copies, since tests are not optimised.
    static func pattern(_ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var next = range.lowerBound
        while next < range.upperBound {
            let start = (next + next / block.count * 7) % block.count
            let end = min(
                start + range.upperBound - next, block.count,
                start + block.count - next % block.count
            )
            bytes += block[start..<end]
            next += end - start
        }
        return bytes
    }

    private static let block = (0..<65_537).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ ($0 >> 8)) }

    static func readAll(_ stream: SwarmStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await stream.read() { bytes += piece }
        return bytes
    }
}

extension Swarm {
    /// The first listen address.
    var address: Multiaddr {
        get throws { try Multiaddr(listenAddresses.map(\.description)[0]) }
    }

    /// Waits for an event and returns what the closure makes of it.
    func first<Value>(_ match: (SwarmEvent) -> Value?) async -> Value? {
        for await event in events {
            if let value = match(event) { return value }
        }
        return nil
    }

    /// Waits until a peer is connected.
    func connected() async -> PeerID? {
        await first { event in
            if case .connected(let peer, _, _) = event { peer } else { nil }
        }
    }

    /// Waits until a peer has been identified.
    func identified() async -> (PeerID, IdentifyMessage, PeerRecord?)? {
        await first { event in
            if case .identified(let peer, let message, let record) = event {
                (peer, message, record)
            } else {
                nil
            }
        }
    }

    /// Waits until a peer is gone.
    func disconnected() async -> (PeerID, DisconnectReason)? {
        await first { event in
            if case .disconnected(let peer, let reason) = event { (peer, reason) } else { nil }
        }
    }
}

/// Requires that one peer answers another's ping.
func expectPing(_ asker: Swarm, _ asked: Swarm) async throws {
    let duration = try await asker.ping(asked.peerID)
    #expect(duration > .zero)
}
