import Cryptography
import LibP2P
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct CircuitTests {
    /// Reserves at a relay and yields the address through it.
    static func reserve(_ target: Swarm, at relay: Swarm) async throws -> Multiaddr {
        let (reservation, _) = try await target.reserve(
            at: relay.peerID, address: try relay.address)
        return try #require(
            reservation.circuitAddresses(
                of: target.peerID, relay: relay.peerID, known: try relay.address
            ).first)
    }

    @Test func `two nodes of which one listens nowhere meet at a relay`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three()
        try await SwarmFixture.with(relay, target, dialer) {
            let address = try await Self.reserve(target, at: relay)
            #expect(relay.relayedPeers == [target.peerID])
            #expect(try await dialer.dial(address) == target.peerID)
            try await expectPing(dialer, target)
            try await expectPing(target, dialer)
            #expect(relay.relayedCircuitCount == 1)
            let seen = try #require(
                dialer.snapshot().connections.first { $0.peer == target.peerID })
            #expect(seen.relay == relay.peerID && seen.isDialer)
            let reverse = try #require(
                target.snapshot().connections.first { $0.peer == dialer.peerID })
            #expect(reverse.relay == relay.peerID && !reverse.isDialer)
            #expect(reverse.address.isRelayed)
            // Dialled again it is the connection that is there.
            #expect(try await dialer.dial(address) == target.peerID)
            #expect(relay.relayedCircuitCount == 1)
        }
    }

    @Test func `10 MB come back through a circuit as they were`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three()
        try await SwarmFixture.with(relay, target, dialer) {
            try await dialer.dial(try await Self.reserve(target, at: relay))
            let stream = try await dialer.openStream(
                to: target.peerID, protocol: SwarmFixture.echo)
            let count = 10_000_000
            async let echoed = Self.hash(stream)
            var hasher = BLAKE2bHasher()
            for start in stride(from: 0, to: count, by: 100_000) {
                let piece = SwarmFixture.pattern(start..<start + 100_000)
                hasher.update(piece)
                try await stream.write(piece)
            }
            await stream.closeWrite()
            let (received, digest) = try await echoed
            #expect(received == count && digest == hasher.finalize())
        }
    }

    private static func hash(_ stream: SwarmStream) async throws -> (Int, Digest) {
        var hasher = BLAKE2bHasher()
        var count = 0
        while let bytes = try await stream.read() {
            hasher.update(bytes)
            count += bytes.count
        }
        return (count, hasher.finalize())
    }

    @Test func `a reader that stops holds back the writer through the relay`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three()
        try await SwarmFixture.with(relay, target, dialer) {
            try await dialer.dial(try await Self.reserve(target, at: relay))
            let stream = try await dialer.openStream(
                to: target.peerID, protocol: SwarmFixture.hold)
            _ = try await stream.readExactly(1)
            // Who reads nothing more gets no more than its window, wherever the bytes wait.
            var last = 0
            var isSteady = false
            for _ in 0..<200 where !isSteady {
                try await Task.sleep(for: .milliseconds(50))
                let held = relay.snapshot().heldByteCount + dialer.snapshot().heldByteCount
                isSteady = held > 0 && held == last
                last = held
            }
            #expect(isSteady && last < 24 << 20)
            // What else goes through the circuit is not held back.
            try await expectPing(dialer, target)
            stream.reset()
        }
    }

    @Test func `the private network's key lies under the sockets, not in the circuit`() async throws
    {
        let (relay, target, dialer) = try await CircuitFixture.three(
            networkKey: NetworkKey.generate())
        try await SwarmFixture.with(relay, target, dialer) {
            try await dialer.dial(try await Self.reserve(target, at: relay))
            try await expectPing(dialer, target)
        }
    }

    @Test func `a direct connection takes the place of a relayed one`() async throws {
        let relay = try await CircuitFixture.relay()
        let (target, dialer) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(relay, target, dialer) {
            let address = try await Self.reserve(target, at: relay)
            try await dialer.dial(address)
            #expect(try await dialer.dial(try target.address) == target.peerID)
            try await expectPing(dialer, target)
            for _ in 0..<200 where relay.relayedCircuitCount > 0 {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(relay.relayedCircuitCount == 0, "the relayed one is closed once it is idle")
            #expect(dialer.snapshot().connections.filter { $0.relay != nil }.isEmpty)
            try await expectPing(target, dialer)
            // And none is made beside it.
            try await dialer.dial(address)
            #expect(relay.relayedCircuitCount == 0)
        }
    }

    @Test func `lasting streams keep a relayed connection for a while, not for ever`() async throws
    {
        let relay = try await CircuitFixture.relay()
        var limits = TransportLimits()
        limits.relayedGrace = .seconds(1)
        let (target, dialer) = (
            try await SwarmFixture.make(), try await SwarmFixture.make(limits: limits)
        )
        try await SwarmFixture.with(relay, target, dialer) {
            try await dialer.dial(try await Self.reserve(target, at: relay))
            let stream = try await dialer.openStream(
                to: target.peerID, protocol: SwarmFixture.echo)
            try await dialer.dial(try target.address)
            try await stream.write([7])
            #expect(try await stream.read() == [7], "what is under way goes on")
            await #expect(throws: TransportError.connectionClosed(.duplicate)) {
                _ = try await stream.read()
            }
            let again = try await dialer.openStream(
                to: target.peerID, protocol: SwarmFixture.echo)
            try await again.write([8])
            #expect(try await again.read() == [8])
        }
    }

    @Test func `identify tells relayed addresses, then confirmed and bound ones, each once`()
        async throws
    {
        let (relay, target, dialer) = try await CircuitFixture.three()
        try await SwarmFixture.with(relay, target, dialer) {
            let address = try await Self.reserve(target, at: relay)
            target.setCircuitAddresses([address])
            #expect(target.toldAddresses == [address])
            let own = try relay.address
            relay.setCircuitAddresses([address])
            relay.setConfirmedAddresses([own, try Multiaddr("/ip4/203.0.113.5/tcp/1")])
            #expect(relay.toldAddresses.count == 3 && relay.toldAddresses[1] == own)
            try await dialer.dial(address)
            let message = await dialer.first { event -> IdentifyMessage? in
                if case .identified(target.peerID, let message, _) = event { message } else { nil }
            }
            #expect(message?.listenAddresses == [address.removingPeerID()])
        }
    }
}
