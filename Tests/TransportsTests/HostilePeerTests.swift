import Cryptography
import LibP2P
import NIOCore
import Testing

@testable import Transports

/// A peer that keeps no rule, beside an honest one that must not notice.
///
/// Each test asks for four things: the attack ends, its reason is in the log, nothing of it is left in
/// memory, and the honest peer is served meanwhile and afterwards.
@Suite(.timeLimit(.minutes(1)), .serialized) struct HostilePeerTests {
    /// So few that a build without optimisation meets them at once.
    static var tight: TransportLimits {
        var limits = TransportLimits()
        limits.idleFrameRatePerSecond = 20
        limits.idleFrameBurst = 400
        return limits
    }

    /// A target with an honest peer that pings and moves bytes while the attack goes on.
    func withTarget(
        limits: TransportLimits = TransportLimits(), expecting reason: String,
        attack: @escaping @Sendable (Swarm, Multiaddr) async throws -> Void
    ) async throws {
        let log = LogLines()
        let target = try await SwarmFixture.make(limits: limits, log: log)
        let friend = try await SwarmFixture.make()
        try await SwarmFixture.with(target, friend) {
            let address = try target.address
            try await friend.dial(address)
            async let attacked: Void = attack(target, address)
            let stream = try await friend.openStream(
                to: target.peerID, protocol: SwarmFixture.digest)
            let bytes = SwarmFixture.pattern(0..<500_000)
            try await stream.write(bytes)
            try await expectPing(friend, target)
            await stream.closeWrite()
            #expect(try await SwarmFixture.readAll(stream) == Hashing.blake2b256(bytes).bytes)
            try await attacked
            try await expectPing(friend, target)
            #expect(friend.connectedPeers == [target.peerID])
            await eventually { log.contains(reason) }
            await eventually { target.connectedPeers == [friend.peerID] }
            await eventually { target.heldByteCount == 0 }
            await eventually { target.snapshot().streamCount == 0 }
            // However long the flood, its lines are few.
            #expect(log.all.count < 100, "\(log.all.count) lines")
        }
    }

    static func frame(
        _ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags, _ id: UInt32, _ length: Int = 0
    ) -> [UInt8] {
        YamuxHeader(kind: kind, flags: flags, streamID: id, length: UInt32(length)).bytes
    }

    /// Opens a stream and agrees on a protocol, without waiting for the answer.
    static func open(_ id: UInt32, protocol name: String) -> [UInt8] {
        var negotiation: [UInt8] = []
        for line in ["/multistream/1.0.0\n", "\(name)\n"] {
            negotiation += UVarint.encode(UInt64(line.utf8.count)) + Array(line.utf8)
        }
        return frame(.data, .syn, id, negotiation.count) + negotiation
    }

    @Test func `a flood of pings ends the connection`() async throws {
        let pings = (0..<100 as Range<UInt32>).flatMap { Self.frame(.ping, .syn, 0, Int($0)) }
        try await withTarget(limits: Self.tight, expecting: "peer broke the rules") { _, address in
            let end = try await RawPeer.connect(to: address)
                .attack { $0 < 100 ? .send(pings) : .listen }
            #expect(end.isClosed)
        }
    }

    @Test func `a queue that a refused negotiation makes overflow ends the connection`()
        async throws
    {
        let limit = YamuxLimits().controlFrameCountMax
        // An accept and the answers fill the queue; the reset of the stream is one too many.
        var record = Self.frame(.windowUpdate, .syn, 1)
        for value in 1..<limit { record += Self.frame(.ping, .syn, 0, value) }
        record += Self.frame(.data, [], 1, 1) + [0]
        let frames = record
        try await withTarget(expecting: "controlQueueOverflow") { _, address in
            let end = try await RawPeer.connect(to: address)
                .attack { $0 == 0 ? .send(frames) : .listen }
            #expect(end.isClosed)
        }
    }

    @Test func `a flood of frames for streams that are not there ends the connection`()
        async throws
    {
        let frames = (0..<100).flatMap { _ in Self.frame(.windowUpdate, [], 77, 5) }
        try await withTarget(limits: Self.tight, expecting: "idleFramesExceeded") { _, address in
            let end = try await RawPeer.connect(to: address)
                .attack { $0 < 100 ? .send(frames) : .listen }
            #expect(end.isClosed)
        }
    }

    @Test func `a flood of empty records ends the connection`() async throws {
        try await withTarget(limits: Self.tight, expecting: "idleFramesExceeded") { _, address in
            let end = try await RawPeer.connect(to: address)
                .attack { $0 < 10_000 ? .sendEmptyRecord : .listen }
            #expect(end.isClosed)
        }
    }

    @Test func `opening streams without end is refused, then the connection ends`() async throws {
        try await withTarget(expecting: "openRate") { _, address in
            let end = try await RawPeer.connect(to: address).attack { move in
                guard move < 100 else { return .listen }
                let first = UInt32(move) * 200 + 1
                return .send(
                    (0..<100 as Range<UInt32>).flatMap {
                        Self.frame(.windowUpdate, .syn, first + 2 * $0)
                    })
            }
            #expect(end.isClosed)
            let refusals = end.received.count / 12
            #expect(refusals < 2_000)
        }
    }

    @Test func `streams of one protocol are bounded whatever the rate`() async throws {
        var limits = TransportLimits()
        limits.inboundStreamCountMaxPerProtocol = 8
        // The question of identify, which the attacker does not answer, is given up soon.
        limits.streamNegotiationTimeout = .seconds(2)
        let key = SigningKey.generate()
        let attacker = PeerID(publicKey: key.publicKey)
        try await withTarget(limits: limits, expecting: "the limit of 8 streams of") {
            target, address in
            let attack = Task {
                try await RawPeer.connect(to: address).attack(identity: key) { move in
                    move < 40
                        ? .send(Self.open(UInt32(2 * move + 1), protocol: SwarmFixture.stall))
                        : .listen
                }
            }
            await eventually {
                target.snapshot().connections.first { $0.peer == attacker }?.streamCount == 8
            }
            await target.disconnect(attacker, reason: "test")
            let end = try await attack.value
            #expect(end.isClosed)
        }
    }

    @Test func `bytes that nobody reads are bounded by the peer's share`() async throws {
        var limits = TransportLimits()
        limits.memoryByteCountMaxPerPeer = 1 << 20
        try await withTarget(limits: limits, expecting: "unread bytes per peer") {
            target, address in
            let window = YamuxLimits.initialWindowByteCount
            let end = try await RawPeer.connect(to: address).attack { move in
                let id = UInt32(2 * move + 1)
                guard move < 60 else { return .listen }
                let opening = Self.open(id, protocol: SwarmFixture.hold)
                let count = window - opening.count
                return .send(
                    opening + Self.frame(.data, [], id, count)
                        + [UInt8](repeating: 7, count: count))
            }
            #expect(end.isClosed)
            #expect(target.heldByteCount <= (1 << 20) + (512 << 10))
        }
    }

    @Test func `a peer that lies about the size of a frame is cut off at its header`()
        async throws
    {
        try await withTarget(expecting: "bodyTooLong") { target, address in
            let end = try await RawPeer.connect(to: address).attack { move in
                guard move == 0 else { return .listen }
                return .send(
                    Self.open(1, protocol: SwarmFixture.echo)
                        + Self.frame(.data, [], 1, Int(UInt32.max)))
            }
            #expect(end.isClosed)
            #expect(end.received.suffix(12) == Self.frame(.goAway, [], 0, 1)[...])
        }
    }

    @Test func `a replayed record ends the connection`() async throws {
        try await withTarget(expecting: "a record could not be opened") { _, address in
            let key = SigningKey.generate()
            let peer = try await RawPeer.connect(to: address)
            var upgrade = UpgradeInstance(isDialer: true, identity: key, expectedPeer: nil)
            try await peer.channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(bytes: try upgrade.start()))
                var iterator = inbound.makeAsyncIterator()
                var upgraded: UpgradeInstance.Upgraded?
                while upgraded == nil, let buffer = try await iterator.next() {
                    let (answer, result) = try upgrade.receive(buffer)
                    if !answer.isEmpty { try await outbound.write(ByteBuffer(bytes: answer)) }
                    upgraded = result
                }
                let record = try #require(upgraded).noise.sendCipher
                    .seal(Self.frame(.ping, .syn, 0, 1))
                try await outbound.write(ByteBuffer(bytes: record + record))
                do {
                    while try await iterator.next() != nil {}
                } catch is IOError {}
            }
        }
    }

    @Test func `a peer that broke the rules is not let in again at once`() async throws {
        let key = SigningKey.generate()
        try await withTarget(expecting: "penalised") { _, address in
            let bad = Self.frame(.data, .syn, 2)
            for _ in 0..<2 {
                let end = try await RawPeer.connect(to: address)
                    .attack(identity: key) { $0 == 0 ? .send(bad) : .listen }
                #expect(end.isClosed)
            }
        }
    }

    @Test func `a peer that reads nothing costs no more than its queues`() async throws {
        var limits = TransportLimits()
        limits.closeTimeout = .milliseconds(50)
        try await withTarget(limits: limits, expecting: "disconnected") { target, address in
            // Asks for much, grants a great window, and never reads the socket.
            let peer = try await RawPeer.connect(to: address)
            let key = SigningKey.generate()
            let attacker = PeerID(publicKey: key.publicKey)
            var upgrade = UpgradeInstance(isDialer: true, identity: key, expectedPeer: nil)
            try await peer.channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(bytes: try upgrade.start()))
                var iterator = inbound.makeAsyncIterator()
                var upgraded: UpgradeInstance.Upgraded?
                while upgraded == nil, let buffer = try await iterator.next() {
                    let (answer, result) = try upgrade.receive(buffer)
                    if !answer.isEmpty { try await outbound.write(ByteBuffer(bytes: answer)) }
                    upgraded = result
                }
                let noise = try #require(upgraded).noise
                // 100 MB from the source, with a window that allows all of it.
                let request: [UInt8] = [4, 0x05, 0xF5, 0xE1, 0x00]
                let frames =
                    Self.open(1, protocol: SwarmFixture.source)
                    + Self.frame(.windowUpdate, [], 1, 200_000_000)
                    + Self.frame(.data, [], 1, request.count) + request
                try await outbound.write(ByteBuffer(bytes: try noise.sendCipher.seal(frames)))
                await eventually { target.connectedPeers.contains(attacker) }
                // The writer stands still: what has left is what the sockets' buffers take.
                var sent: [UInt64] = [0]
                repeat {
                    try await Task.sleep(for: .milliseconds(200))
                    let connections = target.snapshot().connections
                    sent.append(
                        connections.first { $0.peer == attacker }?.byteCounts.sent ?? 0)
                } while sent[sent.count - 1] != sent[sent.count - 2]
                #expect(sent[sent.count - 1] < 32_000_000)
                await target.disconnect(attacker, reason: "stalled")
            }
        }
    }

    @Test func `a rate of bytes is kept, and prompt streams go before`() async throws {
        var limits = TransportLimits()
        limits.receivedBytesPerSecondMaxPerPeer = 1_000_000
        let target = try await SwarmFixture.make(limits: limits)
        let sender = try await SwarmFixture.make()
        try await SwarmFixture.with(target, sender) {
            try await sender.dial(try target.address)
            let stream = try await sender.openStream(
                to: target.peerID, protocol: SwarmFixture.digest)
            let bytes = SwarmFixture.pattern(0..<3_500_000)
            let start = ContinuousClock.now
            try await stream.write(bytes)
            await stream.closeWrite()
            let digest = Task { try await SwarmFixture.readAll(stream) }
            // Neither side's prompt streams wait for it.
            for _ in 0..<3 {
                try await expectPing(sender, target)
                try await expectPing(target, sender)
            }
            #expect(try await digest.value == Hashing.blake2b256(bytes).bytes)
            // A second's worth goes at once, and what a read brings beyond it; the rest waits.
            #expect(ContinuousClock.now - start > .milliseconds(1_000))
        }
    }

    @Test func `what leaves is kept to its rate`() async throws {
        var limits = TransportLimits()
        limits.sentBytesPerSecondMax = 1_000_000
        let source = try await SwarmFixture.make(limits: limits)
        let reader = try await SwarmFixture.make()
        try await SwarmFixture.with(source, reader) {
            try await reader.dial(try source.address)
            let stream = try await reader.openStream(
                to: source.peerID, protocol: SwarmFixture.source)
            let start = ContinuousClock.now
            try await stream.writeLengthPrefixed([0x00, 0x26, 0x25, 0xA0])
            await stream.closeWrite()
            let reading = Task { try await SwarmFixture.readAll(stream).count }
            // Prompt streams do not wait for the rate.
            for _ in 0..<3 { try await expectPing(reader, source) }
            #expect(try await reading.value == 2_500_000)
            #expect(ContinuousClock.now - start > .milliseconds(1_000))
        }
    }
}
