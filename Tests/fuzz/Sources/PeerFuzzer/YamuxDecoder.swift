@testable internal import LibP2P

/// What a peer sends on a multiplexed connection, while the owner opens, writes, reads and ends
/// streams between the reads as the input's first bytes say.
enum YamuxDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        func frame(
            _ kind: YamuxHeader.Kind, _ flags: YamuxHeader.Flags = [], _ id: UInt32,
            _ length: UInt32, _ body: [UInt8] = []
        ) -> [UInt8] {
            YamuxHeader(kind: kind, flags: flags, streamID: id, length: length).bytes + body
        }
        let open = frame(.windowUpdate, .syn, 1, 0) + frame(.data, [], 1, 3, [1, 2, 3])
        return [
            [0xFF, 0] + open + frame(.data, .fin, 1, 0),
            [0x0F, 0xFF] + frame(.data, .syn, 1, 2, [1, 2]) + frame(.windowUpdate, .rst, 1, 0),
            [0xFC, 0xFF] + frame(.windowUpdate, .ack, 1, 0) + frame(.windowUpdate, [], 1, 1 << 20)
                + frame(.data, .fin, 1, 2, [1, 2]),
            [0xFF, 0x55] + frame(.ping, .syn, 0, 5) + frame(.ping, .ack, 0, 1)
                + frame(.goAway, [], 0, 0),
            [0xFF, 0xAA] + open + frame(.windowUpdate, .syn, 3, 0) + frame(.windowUpdate, [], 3, 9),
        ]
    }

    static func read(_ input: [UInt8]) {
        let (choice, pieces) = pieces(Array(input.prefix(1) + input.dropFirst(2)))
        var acts = input.dropFirst().first ?? 0
        var limits = YamuxLimits()
        limits.inboundStreamCountMax = 4
        limits.openBurst = 8
        limits.idleFrameBurst = 64
        limits.controlFrameCountMax = 32
        var now = Duration.zero
        var session = YamuxSession(
            role: choice == 0 ? .dialer : .listener, limits: limits, now: now)
        var received = 0
        var open: [YamuxStreamID] = []
        for piece in pieces {
            now += .milliseconds(50)
            if acts & 1 == 1, let id = try? session.openStream(priority: .prompt, now: now) {
                try? session.write([1, 2, 3, 4][...], to: id)
                open.append(id)
            }
            for directive in session.receive(piece[...], now: now) {
                switch directive {
                case .opened(let id): open.append(id)
                case .data(let id, let bytes):
                    received += bytes.count
                    if acts & 2 == 2 { session.consume(bytes.count, of: id, now: now) }
                case .finished(let id): if acts & 4 == 4 { session.finish(id) }
                case .reset, .failed: break
                }
            }
            if acts & 8 == 8, let id = open.popLast() { session.reset(id) }
            if acts & 16 == 16, let id = open.first { session.abandonReading(id, now: now) }
            drain(&session)
            precondition(session.streamCount <= 4 + limits.unacknowledgedCountMax)
            acts = acts << 1 | acts >> 7
        }
        precondition(received <= input.count, "more bytes of streams than came")
        now += .seconds(120)
        _ = session.tick(now: now)
        drain(&session)
        if session.failure != nil {
            precondition(session.streamCount == 0, "streams of a session that has ended")
        }
    }

    private static func drain(_ session: inout YamuxSession) {
        var count = 0
        while let frame = session.nextFrame() {
            count += 1
            precondition(count < 10_000, "frames without end")
            if frame.header.kind == .data {
                precondition(Int(frame.header.length) == frame.payload.count)
            }
        }
    }
}
