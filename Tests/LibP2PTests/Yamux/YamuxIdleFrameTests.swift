import LibP2P
import Testing

@Suite struct YamuxIdleFrameTests {
    static func frame(
        _ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags, _ id: YamuxStreamID
    ) -> [UInt8] {
        YamuxHeader(kind: kind, flags: flags, streamID: id, length: 0).bytes
    }

    /// Feeds frames until the session fails, draining its answers; returns how many it took.
    static func flood(
        _ session: inout YamuxSession, with frame: [UInt8], countMax: Int
    ) -> (count: Int, error: YamuxError?) {
        for count in 0..<countMax {
            _ = session.receive(frame[...], now: .zero)
            if let failure = session.failure { return (count, failure) }
            while session.nextFrame() != nil {}
        }
        return (countMax, nil)
    }

    @Test(arguments: [
        frame(.ping, .syn, 0), frame(.ping, .ack, 0), frame(.windowUpdate, [], 99),
        frame(.data, [], 99), frame(.windowUpdate, .fin, 99),
    ])
    func `a flood of frames that move nothing ends the session`(frame: [UInt8]) {
        var session = YamuxSession(role: .listener, now: .zero)
        let limits = YamuxLimits()
        let (count, error) = Self.flood(&session, with: frame, countMax: 40_000)
        #expect(error == .idleFramesExceeded(perSecond: limits.idleFrameRatePerSecond))
        #expect(count <= limits.idleFrameBurst && count >= limits.idleFrameBurst / 2 - 1)
    }

    @Test func `empty frames of an open stream count too, and bytes do not`() {
        var session = YamuxSession(role: .listener, now: .zero)
        _ = session.receive(Self.frame(.windowUpdate, .syn, 1)[...], now: .zero)
        let (_, error) = Self.flood(
            &session, with: Self.frame(.data, [], 1), countMax: 40_000)
        #expect(error == .idleFramesExceeded(perSecond: 2_000))

        var busy = YamuxSession(role: .listener, now: .zero)
        _ = busy.receive(Self.frame(.windowUpdate, .syn, 1)[...], now: .zero)
        let byte =
            YamuxHeader(kind: .data, flags: [], streamID: 1, length: 1).bytes + [7]
        for _ in 0..<40_000 {
            _ = busy.receive(byte[...], now: .zero)
            busy.consume(1, of: 1, now: .zero)
            while busy.nextFrame() != nil {}
        }
        #expect(busy.failure == nil)
    }

    @Test(arguments: [YamuxHeader.Kind.data, .windowUpdate])
    func `a flood of FINs behind the first ends the session`(kind: YamuxHeader.Kind) {
        var session = YamuxSession(role: .listener, now: .zero)
        _ = session.receive(Self.frame(.data, [.syn, .fin], 1)[...], now: .zero)
        let (_, error) = Self.flood(&session, with: Self.frame(kind, .fin, 1), countMax: 40_000)
        #expect(error == .idleFramesExceeded(perSecond: 2_000))
    }

    @Test func `what comes at the allowed rate goes on for ever`() {
        var session = YamuxSession(role: .listener, now: .zero)
        for step in 0..<60_000 {
            let now = Duration.milliseconds(step)
            _ = session.receive(Self.frame(.ping, .syn, 0)[...], now: now)
            while session.nextFrame() != nil {}
        }
        #expect(session.failure == nil)
    }

    @Test func `records without a frame count among them`() {
        var session = YamuxSession(role: .listener, now: .zero)
        var last: [YamuxDirective] = []
        for _ in 0..<16_385 { last = session.receiveNothing(now: .zero) }
        #expect(last == [.failed(.idleFramesExceeded(perSecond: 2_000))])
        #expect(session.receiveNothing(now: .zero).isEmpty)
    }

    @Test func `refused opens are told with their reasons`() throws {
        var limits = YamuxLimits()
        limits.inboundStreamCountMax = 2
        limits.openBurst = 4
        var session = YamuxSession(role: .listener, limits: limits, now: .zero)
        for id in stride(from: YamuxStreamID(1), to: 13, by: 2) {
            _ = session.receive(Self.frame(.windowUpdate, .syn, id)[...], now: .zero)
        }
        let refusals = session.takeRefusals()
        #expect(refusals.map(\.0) == [.openRate, .streamCount])
        #expect(refusals.map(\.count) == [2, 2])
        #expect(session.takeRefusals().isEmpty)
        session.acceptsStreams = false
        _ = session.receive(Self.frame(.windowUpdate, .syn, 21)[...], now: .seconds(1))
        #expect(session.takeRefusals().map(\.0) == [.noMemory])
        session.goAway()
        _ = session.receive(Self.frame(.windowUpdate, .syn, 23)[...], now: .seconds(1))
        #expect(session.takeRefusals().map(\.0) == [.ending])
    }

    @Test func `prompt streams go on where bulk has to wait`() throws {
        var session = YamuxSession(role: .dialer, now: .zero)
        let bulk = try session.openStream(now: .zero)
        let prompt = try session.openStream(priority: .prompt, now: .zero)
        try session.write([1, 2, 3], to: bulk)
        try session.write([4], to: prompt)
        var sent: [YamuxStreamID] = []
        while let frame = session.nextFrame(allowsBulk: false) {
            if !frame.payload.isEmpty { sent.append(frame.header.streamID) }
        }
        #expect(sent == [prompt])
        let rest = session.nextFrame()
        #expect(rest?.header.streamID == bulk)
    }
}
