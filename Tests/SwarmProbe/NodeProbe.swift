import Cryptography
import Dispatch
import LibP2P
import Logging
import NIOPosix
import Synchronization
import Transports

/// A node that does what the lines on its standard input say and answers each with one JSON line.
///
/// What it hears by gossip is reported as it comes. The lines are
/// `dial ADDRESS`, `identify PEER`, `ping PEER`, `echo PEER PROTOCOL BYTES fin|count`,
/// `call PEER BYTES`, `mesh`, `publish TEXT`, `forge TEXT`, `disconnect PEER`.
final class NodeProbe: Sendable {
    /// Who was identified, by the text of its id.
    private let identified = Mutex<[PeerID: (message: IdentifyMessage, record: PeerRecord?)]>([:])
    private let swarm: Swarm
    private let gossip: GossipService
    private let topic: String

    /// Protocols under which bytes come back; Kubo forwards streams below `/x/` alone.
    private static let echoProtocols = [SwarmProbe.echoProtocol, "/x/echo"]

    private init(_ configuration: SwarmConfiguration, topic: String, logger: Logger) {
        swarm = Swarm(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger)
        gossip = GossipService(swarm: swarm, logger: logger)
        self.topic = topic
        for name in Self.echoProtocols {
            swarm.register(protocol: name) { _, stream in await SwarmProbe.serveEcho(stream) }
        }
        swarm.register(protocol: RemoteCall.protocolID) { _, stream in
            await RemoteCall.serve(stream)
        }
    }

    /// Runs until the input ends.
    static func run(_ configuration: SwarmConfiguration, topic: String, logger: Logger) async throws
    {
        let node = NodeProbe(configuration, topic: topic, logger: logger)
        try await node.run()
    }

    private func run() async throws {
        let messages = try gossip.subscribe(to: topic) { message, _ in
            message.data.starts(with: Array("refuse".utf8)) ? .reject : .accept
        }
        let addresses = try await swarm.start()
        SwarmProbe.emit("READY \(addresses[0])")
        await withDiscardingTaskGroup { group in
            group.addTask { await self.gossip.run() }
            group.addTask { await self.follow() }
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
            for await line in Self.inputLines() { await answer(line) }
            await swarm.shutdown()
            group.cancelAll()
        }
    }

    /// The lines of the standard input, read on a thread of their own.
    private static func inputLines() -> AsyncStream<String> {
        let (lines, continuation) = AsyncStream<String>.makeStream()
        DispatchQueue(label: "input").async {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
        return lines
    }

    private func follow() async {
        for await event in swarm.events {
            switch event {
            case .connected(let peer, let address, let isDialer):
                SwarmProbe.line(
                    "connected",
                    ["peer": "\(peer)", "address": "\(address)", "isDialer": "\(isDialer)"])
            case .identified(let peer, let message, let record):
                identified.withLock { $0[peer] = (message, record) }
                SwarmProbe.line("identified", ["peer": "\(peer)"])
            case .disconnected(let peer, let reason):
                SwarmProbe.line("disconnected", ["peer": "\(peer)", "reason": "\(reason)"])
            }
        }
    }

    private func answer(_ line: String) async {
        let words = line.split(separator: " ").map(String.init)
        guard let command = words.first else { return }
        do {
            var values = try await perform(command, Array(words.dropFirst()))
            values["command"] = command
            SwarmProbe.line("answer", values)
        } catch {
            SwarmProbe.line("answer", ["command": command, "error": "\(error)"])
        }
    }

    private func perform(_ command: String, _ words: [String]) async throws -> [String: String] {
        switch (command, words.count) {
        case ("mesh", 0):
            return [
                "peers": gossip.meshPeers(of: topic).map(\.description).joined(separator: " "),
                "subscribers": gossip.subscribers(of: topic).map(\.description)
                    .joined(separator: " "),
            ]
        case ("dial", 1): return ["peer": "\(try await swarm.dial(try Multiaddr(words[0])))"]
        case ("publish", 1):
            try gossip.publish(Array(words[0].utf8), to: topic)
            return [:]
        case ("forge", 1): return ["peers": "\(try await forge(words[0]))"]
        default: break
        }
        guard let name = words.first else { throw SwarmProbe.ProbeError.usage }
        let peer = try PeerID(parsing: name)
        switch (command, words.count) {
        case ("identify", 1): return try await identity(of: peer)
        case ("ping", 1):
            return ["microseconds": "\(try await swarm.ping(peer) / .microseconds(1))"]
        case ("disconnect", 1):
            await swarm.disconnect(peer, reason: "asked to")
            return [:]
        case ("echo", 4):
            return try await echo(
                peer, words[1], byteCount: Int(words[2]) ?? 0, halfCloses: words[3] == "fin")
        case ("call", 2):
            let sent = Self.pattern(Int(words[1]) ?? 0)
            let received = try await RemoteCall.make(swarm, peer, sent)
            return ["bytes": "\(received.count)", "same": "\(received == sent)"]
        default: throw SwarmProbe.ProbeError.usage
        }
    }

    /// What identify told, waiting at most 10 s for it.
    private func identity(of peer: PeerID) async throws -> [String: String] {
        for _ in 0..<200 {
            if let (message, record) = identified.withLock({ $0[peer] }) {
                return [
                    "agent": message.agentVersion ?? "",
                    "version": message.protocolVersion ?? "",
                    "protocols": message.protocols.joined(separator: " "),
                    "observed": message.observedAddress?.description ?? "",
                    "addresses": message.listenAddresses.map(\.description)
                        .joined(separator: " "),
                    "record": "\(record?.addresses.count ?? 0)",
                ]
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw SwarmProbe.ProbeError.notIdentified
    }

    private static func pattern(_ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
    }

    /// Sends bytes and compares what comes back, after the own end or up to the count.
    private func echo(
        _ peer: PeerID, _ id: String, byteCount: Int, halfCloses: Bool
    ) async throws -> [String: String] {
        let stream = try await swarm.openStream(to: peer, protocol: id)
        let sent = Self.pattern(byteCount)
        async let received = halfCloses ? SwarmProbe.readAll(stream) : Self.read(byteCount, stream)
        for start in stride(from: 0, to: sent.count, by: 40_000) {
            try await stream.write(Array(sent[start..<min(start + 40_000, sent.count)]))
        }
        if halfCloses { await stream.closeWrite() }
        let echo = try await received
        if !halfCloses { await stream.closeWrite() }
        return ["bytes": "\(echo.count)", "same": "\(echo == sent)"]
    }

    private static func read(_ byteCount: Int, _ stream: SwarmStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < byteCount, let piece = try await stream.read() { bytes += piece }
        return bytes
    }

    /// Sends every peer a message with a broken signature and, behind it, a sound one of the same
    /// author, which holds the text behind `ok-`.
    ///
    /// - Returns: How many peers were sent them.
    private func forge(_ text: String) async throws -> Int {
        let key = SigningKey.generate()
        let peers = swarm.connectedPeers
        for peer in peers {
            let stream = try await swarm.openStream(
                to: peer, protocol: GossipVersion.v11.protocolID)
            for (number, data) in [text, "ok-\(text)"].enumerated() {
                var bytes = GossipMessage.sign(
                    data: Array(data.utf8), topic: topic, sequenceNumber: UInt64(number), key: key
                ).bytes
                if number == 0 { bytes[bytes.count - 1] ^= 1 }
                var rpc = GossipRPC()
                rpc.messages = [bytes]
                try await stream.writeLengthPrefixed(rpc.bytes)
            }
            await stream.closeWrite()
        }
        return peers.count
    }
}
