import Cryptography
import Glibc
import LibP2P
import Logging
import NIOPosix
import Transports

/// A swarm for the command line: listens or dials, and reports as JSON lines.
///
/// Usage: SwarmProbe [psk HEX] listen [OWN-ADDRESS] | dial ADDRESS | send ADDRESS BYTES
///        | gossip NAME [ADDRESS] | gossip-latency NODES MESSAGES [BULK-STREAMS]
///        | node TOPIC PROTOCOL_VERSION | relay | behind RELAY | exhaust ADDRESS
///        | bridge DEVICE DEVICE DELAY-MS [MBIT-PER-SECOND [LOSS-PERCENT]]
@main
enum SwarmProbe {
    static let echoProtocol = "/test/echo/1.0.0"
    static let sinkProtocol = "/test/sink/1.0.0"

    static func main() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        var networkKey: NetworkKey?
        if arguments.first == "psk" {
            guard arguments.count > 1 else { throw ProbeError.usage }
            networkKey = try NetworkKey(
                file: Array("\(NetworkKey.fileHeader)\n/base16/\n\(arguments[1])".utf8))
            arguments.removeFirst(2)
        }
        guard let command = arguments.first else { throw ProbeError.usage }
        arguments.removeFirst()
        var logger = Logger(label: "probe", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .info
        let group = MultiThreadedEventLoopGroup.singleton
        var configuration = SwarmConfiguration(
            identity: SigningKey.generate(),
            listenAddresses: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
            agentVersion: "starling/probe",
            protocolVersion: "/starling/probe/1"
        )
        configuration.networkKey = networkKey
        if command == "listen", let address = arguments.first {
            configuration.listenAddresses = [try Multiaddr(address)]
        }
        if command == "relay" { configuration.relay = RelayHopSettings() }
        if command == "behind" { configuration.listenAddresses = [] }
        if command == "gossip-latency" {
            guard arguments.count >= 2, let nodeCount = Int(arguments[0]),
                let messageCount = Int(arguments[1]), nodeCount > 1, messageCount > 0
            else { throw ProbeError.usage }
            try await GossipLatency.run(
                nodeCount: nodeCount, messageCount: messageCount,
                bulkCount: arguments.count > 2 ? Int(arguments[2]) ?? 0 : 0)
            return
        }
        if command == "bridge" {
            try await bridge(arguments)
            return
        }
        if command == "gossip" {
            guard let name = arguments.first else { throw ProbeError.usage }
            try await GossipProbe.run(
                configuration, name: name, dial: arguments.dropFirst().first, logger: logger)
            return
        }
        if command == "node" {
            guard arguments.count == 2 else { throw ProbeError.usage }
            configuration.protocolVersion = arguments[1]
            try await NodeProbe.run(configuration, topic: arguments[0], logger: logger)
            return
        }
        let swarm = Swarm(configuration: configuration, eventLoopGroup: group, logger: logger)
        swarm.register(protocol: echoProtocol) { _, stream in
            await serveEcho(stream)
        }
        swarm.register(protocol: sinkProtocol) { _, stream in
            await serveSink(stream)
        }
        let addresses = try await swarm.start()
        if let address = addresses.first { emit("READY \(address)") }
        switch (command, arguments.first) {
        case ("listen", _):
            await report(swarm, until: .disconnected)
        case ("relay", nil):
            await report(swarm, until: .never)
        case ("behind", let relay?):
            try await RelayProbe.listen(swarm, behind: relay)
        case ("exhaust", let address?):
            try await RelayProbe.exhaust(swarm, address)
        case ("dial", let address?):
            let peer = try await swarm.dial(try Multiaddr(address))
            await report(swarm, until: .identified)
            try await check(swarm, peer)
        case ("send", let address?):
            let peer = try await swarm.dial(try Multiaddr(address))
            await report(swarm, until: .identified)
            try await send(swarm, peer, byteCount: Int(arguments.last ?? "") ?? 1 << 30)
        default: throw ProbeError.usage
        }
        await swarm.shutdown()
        emit(#"{"event":"done"}"#)
    }

    enum ProbeError: Error {
        case usage
        case notIdentified
        case wrongEcho(byteCount: Int)
    }

    enum Mark {
        case identified, disconnected, never
    }

    /// Prints events up to the mark; as a listener, also pings every peer that has been identified.
    static func report(_ swarm: Swarm, until mark: Mark) async {
        for await event in swarm.events {
            switch event {
            case .connected(let peer, let address, let isDialer):
                line(
                    "connected",
                    ["peer": "\(peer)", "address": "\(address)", "isDialer": "\(isDialer)"])
            case .identified(let peer, let message, let record):
                line(
                    "identified",
                    [
                        "peer": "\(peer)", "agent": message.agentVersion ?? "",
                        "protocols": message.protocols.joined(separator: " "),
                        "observed": message.observedAddress?.description ?? "",
                        "record": record.map { "\($0.addresses.count) addresses" } ?? "none",
                    ])
                if mark == .identified { return }
                await ping(swarm, peer)
            case .disconnected(let peer, let reason):
                line("disconnected", ["peer": "\(peer)", "reason": "\(reason)"])
                if mark == .disconnected { return }
            }
        }
    }

    static func ping(_ swarm: Swarm, _ peer: PeerID) async {
        do throws(TransportError) {
            let duration = try await swarm.ping(peer)
            line("ping", ["peer": "\(peer)", "microseconds": "\(duration / .microseconds(1))"])
        } catch {
            line("ping", ["peer": "\(peer)", "error": "\(error)"])
        }
    }

    /// Pings, then sends bytes through an echo stream and closes the own side first.
    static func check(_ swarm: Swarm, _ peer: PeerID) async throws {
        for _ in 0..<3 { await ping(swarm, peer) }
        let stream = try await swarm.openStream(to: peer, protocol: echoProtocol)
        let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
        async let received = readAll(stream)
        for start in stride(from: 0, to: sent.count, by: 40_000) {
            try await stream.write(Array(sent[start..<min(start + 40_000, sent.count)]))
        }
        await stream.closeWrite()
        let echo = try await received
        guard echo == sent else { throw ProbeError.wrongEcho(byteCount: echo.count) }
        line("echo", ["bytes": "\(echo.count)", "digest": Hashing.sha256(echo).hexadecimal])
        do throws(TransportError) {
            _ = try await swarm.openStream(to: peer, protocol: "/test/none/1.0.0")
            line("refusal", ["error": "none"])
        } catch {
            line("refusal", ["error": "\(error)"])
        }
    }

    static func bridge(_ arguments: [String]) async throws {
        guard arguments.count >= 3, let delay = Double(arguments[2]) else { throw ProbeError.usage }
        var link = DelayBridge.Link(delayNanoseconds: UInt64(delay * 1e6))
        if arguments.count > 3, let rate = Double(arguments[3]) {
            link.bytesPerSecond = UInt64(rate * 125_000)
        }
        if arguments.count > 4, let loss = Double(arguments[4]) {
            link.lossPerMillion = UInt64(loss * 10_000)
        }
        let bridge = try DelayBridge(names: Array(arguments.prefix(2)), link: link)
        emit("READY")
        try await bridge.run()
    }

    /// The processor time of this process, in seconds.
    static var processorSeconds: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func send(_ swarm: Swarm, _ peer: PeerID, byteCount: Int) async throws {
        let stream = try await swarm.openStream(to: peer, protocol: sinkProtocol)
        let piece = [UInt8](repeating: 0xA5, count: 256 << 10)
        let start = ContinuousClock.now
        let startSeconds = processorSeconds
        var sent = 0
        while sent < byteCount {
            try await stream.write(piece)
            sent += piece.count
        }
        await stream.closeWrite()
        let answer = try await readAll(stream)
        let duration = ContinuousClock.now - start
        let rate = Double(sent) / (duration / .seconds(1)) / 1e6
        line(
            "sent",
            [
                "bytes": "\(sent)", "answer": String(decoding: answer, as: UTF8.self),
                "megabytesPerSecond": "\(rate)",
                "processorSeconds": "\(processorSeconds - startSeconds)",
            ])
    }

    static func readAll(_ stream: SwarmStream) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await stream.read() { bytes += piece }
        return bytes
    }

    static func serveEcho(_ stream: SwarmStream) async {
        do throws(TransportError) {
            while let bytes = try await stream.read() { try await stream.write(bytes) }
        } catch {
            line("echo", ["error": "\(error)"])
            stream.reset()
        }
    }

    static func serveSink(_ stream: SwarmStream) async {
        var count = 0
        let startSeconds = processorSeconds
        do throws(TransportError) {
            while let bytes = try await stream.read(max: 1 << 20) { count += bytes.count }
            try await stream.write(Array("\(count)".utf8))
            line(
                "sunk",
                [
                    "bytes": "\(count)",
                    "processorSeconds": "\(processorSeconds - startSeconds)",
                ])
        } catch {
            line("sink", ["error": "\(error)"])
        }
    }

    /// One JSON object; quotes, backslashes and control characters of the values are replaced.
    static func line(_ event: String, _ values: [String: String]) {
        let fields = values.sorted { $0.key < $1.key }
            .map { ",\"\($0.key)\":\"\(plain($0.value))\"" }
        emit("{\"event\":\"\(event)\"\(fields.joined())}")
    }

    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar {
                    case "\"": "'"
                    case "\\", "\u{0}"..<"\u{20}": "?"
                    default: scalar
                    }
                }))
    }

    /// Writes one line at once, whatever the output is connected to.
    static func emit(_ text: String) {
        let bytes = Array("\(text)\n".utf8)
        _ = unsafe Glibc.write(STDOUT_FILENO, bytes, bytes.count)
    }
}
