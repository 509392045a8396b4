import LibP2P
import NIOCore
import Synchronization
import Testing

@testable import Transports

/// What is left of connections that have ended: nothing.
@Suite(.timeLimit(.minutes(1))) struct ConnectionEndTests {
    /// A connection that its swarm alone keeps.
    private struct WeakHandle {
        weak var handle: ConnectionHandle?
    }

    private func handles(_ swarm: Swarm) -> [WeakHandle] {
        swarm.state.withLock { $0.table.all.map { WeakHandle(handle: $0) } }
    }

    /// Waits until nobody holds the connections any more: tasks and loops let go in their own time.
    private func expectReleased(_ handles: [WeakHandle]) async throws {
        #expect(!handles.isEmpty)
        for _ in 0..<400 where handles.contains(where: { $0.handle != nil }) {
            try await Task.sleep(for: .milliseconds(25))
        }
        #expect(handles.allSatisfy { $0.handle == nil })
    }

    @Test func `neither side keeps a connection that one of them has closed`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            _ = await b.connected()
            try await expectPing(a, b)
            try await expectPing(b, a)
            let kept = handles(a) + handles(b)
            await a.disconnect(b.peerID, reason: "test")
            _ = await b.disconnected()
            try await expectReleased(kept)
        }
    }

    @Test func `a broken link leaves no connection behind`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            _ = await b.connected()
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
            try await stream.write([1, 2, 3])
            let kept = handles(a) + handles(b)
            for weak in kept { weak.handle?.channel.close(promise: nil) }
            _ = await b.disconnected()
            stream.reset()
            // The stream itself holds its connection.
            _ = consume stream
            try await expectReleased(kept)
        }
    }

    @Test func `a circuit that has ended leaves no connection behind`() async throws {
        let (relay, target, dialer) = try await CircuitFixture.three()
        try await SwarmFixture.with(relay, target, dialer) {
            let address = try await CircuitTests.reserve(target, at: relay)
            #expect(try await dialer.dial(address) == target.peerID)
            try await expectPing(dialer, target)
            let relayed = (handles(dialer) + handles(target)).filter {
                $0.handle?.isRelayed == true
            }
            #expect(relayed.count == 2)
            await dialer.disconnect(target.peerID, reason: "test")
            try await expectReleased(relayed)
        }
    }

    @Test func `lasting streams keep a connection that gave way for a while, not for ever`()
        async throws
    {
        var limits = TransportLimits()
        limits.crossedGrace = .seconds(1)
        let a = try await SwarmFixture.make(seed: 1, limits: limits)
        let b = try await SwarmFixture.make(seed: 2, limits: limits)
        let (first, second) = a.peerID < b.peerID ? (b, a) : (a, b)
        try await SwarmFixture.with(a, b) {
            // The dial of the greater id gives way.
            try await first.dial(try second.address)
            _ = await second.connected()
            let lasting = try await first.openStream(
                to: second.peerID, protocol: SwarmFixture.echo)
            try await second.dial(try first.address.removingPeerID())
            try await lasting.write([7])
            #expect(try await lasting.read() == [7], "what is under way goes on")
            // Whichever side ends it first.
            await #expect(throws: TransportError.self) { _ = try await lasting.read() }
            #expect(await first.soleConnectionIsDialer() == false)
            try await expectPing(first, second)
        }
    }
}
