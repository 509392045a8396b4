import LibP2P
import Testing

@Suite struct YamuxRefusalTests {
    func header(
        _ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags, _ id: YamuxStreamID, _ length: UInt32
    ) -> [UInt8] {
        YamuxHeader(kind: kind, flags: flags, streamID: id, length: length).bytes
    }

    /// What a listener makes of the bytes.
    func receive(_ bytes: [UInt8]) -> [YamuxDirective] {
        var session = YamuxSession(role: .listener, now: .zero)
        return session.receive(bytes[...], now: .zero)
    }

    @Test func `a wrong version is fatal`() {
        #expect(
            receive([1] + header(.ping, .syn, 0, 1).dropFirst()) == [
                .failed(.unsupportedVersion(1))
            ])
    }

    @Test func `an unknown kind is fatal`() {
        #expect(receive([0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == [.failed(.unknownFrameKind(4))])
    }

    @Test func `an open of the wrong parity is fatal`() {
        #expect(receive(header(.data, .syn, 2, 0)) == [.failed(.invalidStreamID(2))])
        #expect(receive(header(.data, .syn, 0, 0)) == [.failed(.invalidStreamID(0))])
    }

    @Test func `session frames on a stream are fatal`() {
        #expect(receive(header(.ping, .syn, 1, 0)) == [.failed(.invalidStreamID(1))])
        #expect(receive(header(.goAway, [], 3, 0)) == [.failed(.invalidStreamID(3))])
    }

    @Test func `opening a stream twice is fatal`() {
        let bytes = header(.windowUpdate, .syn, 1, 0) + header(.windowUpdate, .syn, 1, 0)
        #expect(receive(bytes) == [.opened(1), .failed(.streamOpenedTwice(1))])
    }

    @Test func `a body over the limit is refused at its header, on unknown streams too`() {
        let limit = 1 << 20
        #expect(
            receive(header(.data, [], 9, UInt32(limit + 1)))
                == [.failed(.bodyTooLong(byteCount: limit + 1, limit: limit))]
        )
        #expect(receive(header(.data, [], 9, UInt32(limit))) == [])
    }

    @Test func `data beyond the window is refused at its header with go-away 1`() throws {
        var session = YamuxSession(role: .listener, now: .zero)
        let window = 256 << 10
        let bytes = header(.data, .syn, 1, UInt32(window + 1))
        let error = YamuxError.windowExceeded(streamID: 1, byteCount: window + 1, window: window)
        #expect(session.receive(bytes[...], now: .zero) == [.opened(1), .failed(error)])
        #expect(session.failure == error)
        let last = session.nextFrame()
        let frame = try #require(last)
        #expect(frame.header == YamuxHeader(kind: .goAway, streamID: 0, length: 1))
        #expect(session.nextFrame() == nil)
        #expect(session.receive(header(.ping, .syn, 0, 1)[...], now: .zero) == [])
    }

    @Test func `credit beyond 32 bits is fatal`() {
        let bytes =
            header(.windowUpdate, .syn, 1, 0) + header(.windowUpdate, [], 1, .max)
        #expect(receive(bytes) == [.opened(1), .failed(.creditOverflow(streamID: 1))])
    }

    @Test func `data behind a FIN resets the stream only`() {
        let bytes =
            header(.data, [.syn, .fin], 1, 0) + header(.data, [], 1, 2) + [1, 2]
            + header(.windowUpdate, .syn, 3, 0)
        #expect(receive(bytes) == [.opened(1), .finished(1), .reset(1), .opened(3)])
    }

    @Test(arguments: [YamuxHeader.Kind.data, .windowUpdate])
    func `a second FIN, which rust-yamux sends, leaves the other direction open`(
        kind: YamuxHeader.Kind
    ) throws {
        var session = YamuxSession(role: .listener, now: .zero)
        let bytes = header(.data, [.syn, .fin], 1, 0) + header(kind, .fin, 1, 0)
        #expect(session.receive(bytes[...], now: .zero) == [.opened(1), .finished(1)])
        try session.write([7], to: 1)
        session.finish(1)
        var sent: [YamuxFrame] = []
        while let frame = session.nextFrame() { sent.append(frame) }
        #expect(sent.map(\.header.flags).last == .fin)
        #expect(!sent.contains { $0.header.flags.contains(.rst) })
    }

    @Test func `frames of unknown streams are ignored`() {
        let bytes =
            header(.data, [], 7, 3) + [1, 2, 3] + header(.windowUpdate, [], 5, 9)
            + header(.windowUpdate, .rst, 11, 0) + header(.windowUpdate, .syn, 1, 0)
        #expect(receive(bytes) == [.opened(1)])
    }

    @Test func `inbound streams are limited, refused with RST and free again after their end`() {
        var limits = YamuxLimits()
        limits.openBurst = 1_000
        limits.openRatePerSecond = 1_000
        var session = YamuxSession(role: .listener, limits: limits, now: .zero)
        for index in 0..<256 as Range<UInt32> {
            let open = header(.windowUpdate, .syn, index * 2 + 1, 0)
            #expect(session.receive(open[...], now: .zero) == [.opened(index * 2 + 1)])
        }
        while session.nextFrame() != nil {}
        #expect(session.receive(header(.windowUpdate, .syn, 513, 0)[...], now: .zero) == [])
        #expect(session.nextFrame()?.header.flags == .rst)
        #expect(session.receive(header(.data, .rst, 1, 0)[...], now: .zero) == [.reset(1)])
        let open = header(.windowUpdate, .syn, 515, 0)
        #expect(session.receive(open[...], now: .zero) == [.opened(515)])
    }

    @Test func `opens beyond the rate are refused, and a peer that goes on is dropped`() {
        var session = YamuxSession(role: .listener, now: .zero)
        var next: UInt32 = 1
        func open(at now: Duration) -> [YamuxDirective] {
            defer { next += 2 }
            let bytes = header(.windowUpdate, .syn, next, 0) + header(.windowUpdate, .rst, next, 0)
            let directives = session.receive(bytes[...], now: now)
            while session.nextFrame() != nil {}
            return directives
        }
        let first = (0..<200).filter { _ in open(at: .zero).count == 2 }
        #expect(first.count == 200)
        #expect(open(at: .zero) == [])
        let second = (0..<60).filter { _ in open(at: .seconds(1)).count == 2 }
        #expect(second.count == 50)
        var last: [YamuxDirective] = []
        for _ in 0..<191 { last = open(at: .seconds(1)) }
        #expect(last == [.failed(.openRateExceeded(refusalCount: 201))])
    }

    @Test func `own opens wait for acknowledgements`() throws {
        var pair = SessionPair()
        try pair.with(.dialer) { session throws(YamuxError) in
            for _ in 0..<256 { _ = try session.openStream(now: .zero) }
        }
        #expect(throws: YamuxError.tooManyUnacknowledged(limit: 256)) {
            try pair.with(.dialer) { session throws(YamuxError) in
                _ = try session.openStream(now: .zero)
            }
        }
        pair.settle()
        #expect(pair.opened[.listener]?.count == 200)
        #expect(pair.resets[.dialer]?.count == 56)
        _ = try pair.with(.dialer) { session throws(YamuxError) in
            try session.openStream(now: .zero)
        }
    }

    @Test func `a flood of pings with no way out ends the session`() {
        var session = YamuxSession(role: .listener, now: .zero)
        var last: [YamuxDirective] = []
        for value in 0..<2_048 as Range<UInt32> {
            last = session.receive(header(.ping, .syn, 0, value)[...], now: .zero)
        }
        #expect(last == [.failed(.controlQueueOverflow(limit: 2_048))])
    }

    @Test func `pings are answered with their value and measure the round trip`() throws {
        var session = YamuxSession(role: .dialer, now: .seconds(1))
        let frame = session.nextFrame()
        let ping = try #require(frame).header
        #expect(ping.kind == .ping && ping.flags == .syn)
        _ = session.receive(header(.ping, .ack, 0, ping.length)[...], now: .seconds(1.25))
        #expect(session.roundTripTime == .seconds(0.25))
        _ = session.receive(header(.ping, .syn, 0, 0xABCD)[...], now: .seconds(2))
        #expect(
            session.nextFrame()?.header
                == YamuxHeader(kind: .ping, flags: .ack, streamID: 0, length: 0xABCD)
        )
    }

    @Test func `a silent peer is asked after 30 s and given up 10 s later`() throws {
        var session = YamuxSession(role: .dialer, now: .zero)
        let frame = session.nextFrame()
        let first = try #require(frame).header.length
        #expect(session.nextDeadline == .seconds(10))
        _ = session.receive(header(.ping, .ack, 0, first)[...], now: .seconds(1))
        #expect(session.nextDeadline == .seconds(31))
        #expect(session.tick(now: .seconds(30.9)) == [])
        #expect(session.nextFrame() == nil)
        #expect(session.tick(now: .seconds(31)) == [])
        #expect(session.nextFrame()?.header.kind == .ping)
        #expect(session.tick(now: .seconds(40)) == [])
        let error = YamuxError.keepAliveTimeout(after: .seconds(10))
        #expect(session.tick(now: .seconds(41)) == [.failed(error)])
    }

    @Test func `after a go-away streams end but none begin`() throws {
        var pair = SessionPair()
        let id = try pair.with(.dialer) { session throws(YamuxError) in
            try session.openStream(now: .zero)
        }
        pair.settle()
        pair.with(.listener) { $0.goAway() }
        pair.settle()
        #expect(pair.failures.isEmpty)
        #expect(throws: YamuxError.sessionEnding) {
            try pair.with(.dialer) { session throws(YamuxError) in
                _ = try session.openStream(now: .zero)
            }
        }
        try pair.with(.listener) { session throws(YamuxError) in
            try session.write([4], to: id)
        }
        pair.settle()
        #expect(pair.received[.dialer]?[id] == [4])
        #expect(receive(header(.goAway, [], 0, 2)) == [.failed(.remoteGoAway(code: 2))])
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `mutated bytes never trap and keep the bounds`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var source = SessionPair()
        for count in [0, 1, 70_000, 200_000] {
            try source.with(.dialer) { session throws(YamuxError) in
                let id = try session.openStream(now: .zero)
                try session.write([UInt8](repeating: 3, count: count)[...], to: id)
                session.finish(id)
            }
        }
        source.send(from: .dialer)
        var bytes = source.wires[.listener] ?? []
        for _ in 0..<Int.random(in: 1..<40, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            // Half of the changes hit the start, where headers are dense.
            let place = Bool.random(using: &random) ? index : index % 80
            bytes[place] = UInt8.random(in: .min ... .max, using: &random)
        }
        var session = YamuxSession(role: .listener, now: .zero)
        var rest = bytes[...]
        var buffered: [YamuxStreamID: Int] = [:]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1..<9_000, using: &random))
            rest = rest.dropFirst(piece.count)
            for case .data(let id, let data) in session.receive(piece, now: .zero) {
                buffered[id, default: 0] += data.count
            }
            #expect(session.streamCount <= 256)
        }
        #expect(buffered.values.allSatisfy { $0 <= 256 << 10 })
        while let frame = session.nextFrame() {
            #expect(frame.payload.isEmpty)
        }
    }
}
