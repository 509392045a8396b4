import LibP2P
import NIOCore
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct HostileInputTests {
    /// A swarm with a well-behaved peer, to which a hostile one connects.
    func withTarget(
        limits: TransportLimits = TransportLimits(),
        _ body: (Swarm, Multiaddr) async throws -> Void
    ) async throws {
        let target = try await SwarmFixture.make(limits: limits)
        let friend = try await SwarmFixture.make()
        try await SwarmFixture.with(target, friend) {
            try await friend.dial(try target.address)
            try await body(target, try target.address)
            // Nobody else notices.
            try await expectPing(friend, target)
            #expect(friend.connectedPeers == [target.peerID])
        }
    }

    func frame(
        _ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags, _ id: UInt32, _ length: Int
    ) -> [UInt8] {
        YamuxHeader(kind: kind, flags: flags, streamID: id, length: UInt32(length)).bytes
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\u{13}/multistream/9.9.9\n",
        "\u{13}/multistream/1.0.0\n\u{7}/noise\n\u{0}\u{7F}", "\u{7F}\u{7F}\u{7F}\n",
    ])
    func `what is not libp2p is closed`(text: String) async throws {
        try await withTarget { _, address in
            let bytes = Array(text.utf8) + [UInt8](repeating: 0xFF, count: 40_000)
            try await RawPeer.connect(to: address).send(bytes)
        }
    }

    @Test func `a peer that says nothing is closed after the limit`() async throws {
        var limits = TransportLimits()
        limits.negotiationTimeout = .milliseconds(50)
        let target = try await SwarmFixture.make(limits: limits)
        try await SwarmFixture.with(target) {
            try await RawPeer.connect(to: try target.address).send([])
            try await RawPeer.connect(to: try target.address).send(Array("\u{13}/multi".utf8))
        }
    }

    @Test func `upgrades from one address are bounded`() async throws {
        var limits = TransportLimits()
        limits.countsLoopback = true
        let target = try await SwarmFixture.make(limits: limits)
        try await SwarmFixture.with(target) {
            let address = try target.address
            var silent: [RawPeer] = []
            for _ in 0..<8 { silent.append(try await RawPeer.connect(to: address)) }
            // The ninth is closed at once, without an answer.
            try await RawPeer.connect(to: address).send([])
            for peer in silent {
                try await peer.channel.executeThenClose { _, _ in }
            }
        }
    }

    @Test func `data beyond a window ends the connection with go-away 1`() async throws {
        try await withTarget { target, address in
            let bytes =
                frame(.data, .syn, 1, 0) + frame(.data, [], 1, 300_000)
                + [UInt8](repeating: 1, count: 1_000)
            let answer = try await RawPeer.connect(to: address).upgradeAndSend(bytes)
            #expect(answer.suffix(12) == frame(.goAway, [], 0, 1)[...])
            #expect(target.heldByteCount == 0)
        }
    }

    @Test func `a frame longer than any ends the connection`() async throws {
        try await withTarget { _, address in
            let bytes = frame(.data, [], 99, (1 << 20) + 1)
            let answer = try await RawPeer.connect(to: address).upgradeAndSend(bytes)
            #expect(answer.suffix(12) == frame(.goAway, [], 0, 1)[...])
        }
    }

    @Test func `a record that was altered ends the connection`() async throws {
        try await withTarget { target, address in
            _ = try await RawPeer.connect(to: address)
                .upgradeAndSend(frame(.ping, .syn, 0, 1), breaksRecord: true)
        }
    }

    @Test func `a flood of opens ends the connection`() async throws {
        try await withTarget { _, address in
            var bytes: [UInt8] = []
            for id in 0..<2_000 as Range<UInt32> {
                bytes += frame(.windowUpdate, .syn, id * 2 + 1, 0)
            }
            let answer = try await RawPeer.connect(to: address).upgradeAndSend(bytes)
            #expect(answer.suffix(12) == frame(.goAway, [], 0, 1)[...])
        }
    }

    @Test func `streams that never agree on a protocol are reset`() async throws {
        var limits = TransportLimits()
        limits.streamNegotiationTimeout = .milliseconds(50)
        limits.closeTimeout = .milliseconds(50)
        let target = try await SwarmFixture.make(limits: limits)
        let address = try target.address
        let peer = try await RawPeer.connect(to: address)
        async let answer = peer.upgradeAndSend(
            frame(.data, .syn, 1, 6) + Array("\u{13}/mult".utf8) + frame(.ping, .syn, 0, 7)
        )
        // The session's streams end before the connection does: identify's and the peer's.
        let id = try #require(await target.connected())
        await target.noStreams(with: id)
        await target.shutdown()
        let bytes = try await answer
        #expect(bytes.contains(frame(.windowUpdate, .rst, 1, 0)))
        #expect(bytes.contains(frame(.ping, .ack, 0, 7)))
    }

    @Test func `many half-open peers leave no memory behind`() async throws {
        try await withTarget { target, address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<30 {
                    group.addTask {
                        let bytes = [UInt8](repeating: UInt8(index), count: 10_000)
                        try await RawPeer.connect(to: address).send(bytes)
                    }
                }
                try await group.waitForAll()
            }
            #expect(target.heldByteCount == 0)
            #expect(target.connectedPeers.count == 1)
        }
    }
}
