import Cryptography
import LibP2P
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct CircuitEndTests {
    /// Waits until a certain peer is gone from a swarm.
    private static func gone(_ peer: PeerID, from swarm: Swarm) async -> DisconnectReason? {
        await swarm.first { event in
            if case .disconnected(peer, let reason) = event { reason } else { nil }
        }
    }

    @Test func `the limit of bytes ends a circuit, and both ends say so`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three {
            $0.limit = CircuitLimit(seconds: 120, byteCount: 131_072)
        }
        try await SwarmFixture.with(relay, target, dialer) {
            try await dialer.dial(try await CircuitTests.reserve(target, at: relay))
            try await expectPing(dialer, target)
            let stream = try await dialer.openStream(
                to: target.peerID, protocol: SwarmFixture.stall)
            do {
                while true { try await stream.write([UInt8](repeating: 1, count: 16_384)) }
            } catch let error as TransportError {
                #expect(error == .connectionClosed(.circuitEnded(.byteLimit(131_072))))
            }
            let reason = await Self.gone(dialer.peerID, from: target)
            #expect(reason == .circuitEnded(.byteLimit(131_072)))
            let own = await Self.gone(target.peerID, from: dialer)
            #expect(own == .circuitEnded(.byteLimit(131_072)))
            for _ in 0..<100 where relay.relayedCircuitCount > 0 {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(relay.relayedCircuitCount == 0)
            #expect(dialer.connectedPeers == [relay.peerID], "the relay itself stays connected")
        }
    }

    @Test func `the limit of time ends a circuit, and it can be dialled again`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three {
            // Long enough for a busy machine to open the circuit within it.
            $0.limit = CircuitLimit(seconds: 8)
        }
        try await SwarmFixture.with(relay, target, dialer) {
            let address = try await CircuitTests.reserve(target, at: relay)
            try await dialer.dial(address)
            let reason = await Self.gone(target.peerID, from: dialer)
            #expect(reason == .circuitEnded(.timeLimit(seconds: 8)))
            try await dialer.dial(address)
            try await expectPing(dialer, target)
        }
    }

    @Test func `bulk is not sent over a circuit that would not carry it`() async throws {
        let limit = CircuitLimit(seconds: 120, byteCount: 131_072)
        let relay = try await CircuitFixture.relay { $0.limit = limit }
        let target = try await SwarmFixture.make(listens: [])
        let log = LogLines()
        let dialer = try await SwarmFixture.make(
            listens: [], log: log, circuitByteCountMin: 1 << 20)
        try await SwarmFixture.with(relay, target, dialer) {
            try await dialer.dial(try await CircuitTests.reserve(target, at: relay))
            try await expectPing(dialer, target)
            await #expect(
                throws: TransportError.circuitTooSmall(limit, neededByteCount: 1 << 20)
            ) {
                try await dialer.openStream(to: target.peerID, protocol: SwarmFixture.echo)
            }
            #expect(log.contains("relay's limit is too small for updates"))
        }
    }

    @Test func `a relay that dies is replaced by one that comes back`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three()
        let port = try #require(try relay.address.tcpEndpoint).port
        try await SwarmFixture.with(target, dialer) {
            let address = try await CircuitTests.reserve(target, at: relay)
            try await dialer.dial(address)
            let stream = try await dialer.openStream(
                to: target.peerID, protocol: SwarmFixture.stall)
            await relay.shutdown()
            await #expect(throws: TransportError.self) {
                while true { try await stream.write([UInt8](repeating: 1, count: 65_536)) }
            }
            #expect(await Self.gone(dialer.peerID, from: target) != nil)
            let other = try await CircuitFixture.relay(listens: ["/ip4/127.0.0.1/tcp/\(port)"])
            try await SwarmFixture.with(other) {
                try await dialer.dial(try await CircuitTests.reserve(target, at: other))
                try await expectPing(dialer, target)
            }
        }
    }

    @Test func `a reservation is renewed on the connection that is there`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three {
            $0.reservationCountMax = 1
        }
        try await SwarmFixture.with(relay, target, dialer) {
            let first = try await target.reserve(at: relay.peerID, address: try relay.address)
            let second = try await target.reserve(at: relay.peerID)
            #expect(second.reservation.expirationSeconds >= first.reservation.expirationSeconds)
            await #expect(throws: TransportError.relayRefused(.reservationRefused)) {
                try await dialer.reserve(at: relay.peerID, address: try relay.address)
            }
            await target.disconnect(relay.peerID, reason: "test")
            for _ in 0..<100 where !relay.relayedPeers.isEmpty {
                try await Task.sleep(for: .milliseconds(20))
            }
            // It ended with the connection, so that its place is free.
            _ = try await dialer.reserve(at: relay.peerID)
            #expect(relay.relayedPeers == [dialer.peerID])
        }
    }

    @Test func `a circuit to nobody, to a stranger and to oneself is refused`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three()
        try await SwarmFixture.with(relay, target, dialer) {
            let way = try relay.address
            await #expect(throws: TransportError.self) {
                try await dialer.dial(try Multiaddr(relay: way, target: relay.peerID))
            }
            #expect(dialer.connectedPeers.isEmpty)
            await #expect(throws: TransportError.relayRefused(.noReservation)) {
                try await dialer.dial(try Multiaddr(relay: way, target: target.peerID))
            }
            await #expect(throws: TransportError.dialledSelf) {
                try await dialer.dial(try Multiaddr(relay: way, target: dialer.peerID))
            }
            await #expect(throws: TransportError.self) {
                try await dialer.dial(try Multiaddr(relay: way, target: nil))
            }
        }
    }

    @Test func `a node that is no relay is none`() async throws {
        let (plain, dialer) = (
            try await SwarmFixture.make(), try await SwarmFixture.make(listens: [])
        )
        try await SwarmFixture.with(plain, dialer) {
            _ = await #expect(
                throws: TransportError.protocolUnsupported(RelayProtocol.hopProtocolID)
            ) {
                try await dialer.reserve(at: plain.peerID, address: try plain.address)
            }
        }
    }

    @Test func `circuits come only from relays that were asked`() async throws {
        let (pusher, target) = (
            try await SwarmFixture.make(), try await SwarmFixture.make(listens: [])
        )
        try await SwarmFixture.with(pusher, target) {
            try await target.dial(try pusher.address)
            _ = await pusher.connected()
            let stream = try await pusher.openStream(
                to: target.peerID, protocol: RelayProtocol.stopProtocolID)
            let source = PeerID(
                publicKey: SigningKey.generate().publicKey)
            try await stream.writeLengthPrefixed(StopMessage.connect(source, .none).bytes)
            let answer = try #require(
                try await stream.readLengthPrefixed(maxByteCount: 4_096))
            #expect(try StopMessage(bytes: answer) == .status(.permissionDenied))
        }
    }

    @Test func `a relay that names somebody else as the asker is refused`() async throws {
        let liar = try await SwarmFixture.make { swarm in
            swarm.register(protocol: RelayProtocol.hopProtocolID) { peer, stream in
                _ = try? await stream.readLengthPrefixed(maxByteCount: 4_096)
                let reservation = RelayReservation(
                    expirationSeconds: .max, addresses: [], voucher: nil)
                try? await stream.writeLengthPrefixed(
                    HopMessage.status(.ok, reservation, nil).bytes)
            }
        }
        let log = LogLines()
        let target = try await SwarmFixture.make(listens: [], log: log)
        try await SwarmFixture.with(liar, target) {
            _ = try await target.reserve(at: liar.peerID, address: try liar.address)
            let somebody = PeerID(publicKey: SigningKey.generate().publicKey)
            let stream = try await liar.openStream(
                to: target.peerID, protocol: RelayProtocol.stopProtocolID)
            try await stream.writeLengthPrefixed(StopMessage.connect(somebody, .none).bytes)
            let answer = try #require(
                try await stream.readLengthPrefixed(maxByteCount: 4_096))
            #expect(try StopMessage(bytes: answer) == .status(.ok))
            let route = CircuitRoute(
                relay: target.peerID, limit: .none, address: try Multiaddr("/p2p-circuit"))
            // The relay's own side believes it is through once its last message has left.
            _ = try? await liar.upgrade(
                stream, route, expectedPeer: target.peerID, isDialer: true)
            for _ in 0..<200 where !log.contains("inbound circuit failed") {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(log.contains("inbound circuit failed"))
            #expect(target.connectedPeers == [liar.peerID])
            #expect(target.snapshot().connections.allSatisfy { $0.relay == nil })
        }
    }

    @Test func `what is no question is answered as such`() async throws {
        let (relay, _, dialer) = try await CircuitFixture.three()
        try await SwarmFixture.with(relay, dialer) {
            try await dialer.dial(try relay.address)
            for (question, status) in [
                ([UInt8](repeating: 0xff, count: 30), RelayStatus.malformedMessage),
                (HopMessage.status(.ok, nil, nil).bytes, .unexpectedMessage),
            ] {
                let stream = try await dialer.openStream(
                    to: relay.peerID, protocol: RelayProtocol.hopProtocolID)
                try await stream.writeLengthPrefixed(question)
                let answer = try #require(
                    try await stream.readLengthPrefixed(maxByteCount: 4_096))
                #expect(try HopMessage(bytes: answer) == .status(status, nil, nil))
            }
            let stream = try await dialer.openStream(
                to: relay.peerID, protocol: RelayProtocol.hopProtocolID)
            try await stream.writeLengthPrefixed([UInt8](repeating: 0, count: 5_000))
            await #expect(throws: TransportError.self) {
                _ = try await stream.readExactly(1)
            }
        }
    }
}
