import LibP2P
import Testing

@Suite struct YamuxSessionTests {
    typealias Side = SessionPair.Side

    func pattern(_ count: Int, seed: Int = 1) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: ($0 &* 31) &+ seed &+ ($0 >> 8)) }
    }

    @Test func `an open and its acceptance have the bytes of the specification`() throws {
        var pair = SessionPair()
        pair.settle()
        let id = try pair.with(.dialer) { session throws(YamuxError) in
            try session.openStream(now: .zero)
        }
        #expect(id == 1)
        let open = try #require(pair.with(.dialer) { $0.nextFrame() })
        #expect(open.bytes == [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0])
        let directives = pair.with(.listener) { $0.receive(open.bytes[...], now: .zero) }
        #expect(directives == [.opened(1)])
        let accept = try #require(pair.with(.listener) { $0.nextFrame() })
        #expect(accept.bytes == [0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0])
        #expect(pair.with(.dialer) { $0.nextFrame() } == nil)
    }

    @Test func `a header survives encoding and decoding`() throws {
        let header = YamuxHeader(
            kind: .data, flags: [.syn, .fin], streamID: 0x0102_0304, length: 0xA0B0_C0D0
        )
        #expect(header.bytes == [0, 0, 0, 5, 1, 2, 3, 4, 0xA0, 0xB0, 0xC0, 0xD0])
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func `random interleavings deliver every byte in order`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var pair = SessionPair()
        var expected: [Side: [YamuxStreamID: [UInt8]]] = [.dialer: [:], .listener: [:]]
        var ended: [Side: Set<YamuxStreamID>] = [.dialer: [], .listener: []]
        var known: [Side: [YamuxStreamID]] = [.dialer: [], .listener: []]
        for _ in 0..<600 {
            pair.now += .microseconds(Int.random(in: 0..<400, using: &random))
            let side = Bool.random(using: &random) ? Side.dialer : .listener
            let now = pair.now
            let ids = (known[side] ?? []) + (pair.opened[side] ?? [])
            let writable = ids.filter { ended[side]?.contains($0) == false }
            switch Int.random(in: 0..<12, using: &random) {
            case 0 where ids.count < 12:
                let priority = Bool.random(using: &random) ? YamuxPriority.prompt : .bulk
                let id = try pair.with(side) { session throws(YamuxError) in
                    try session.openStream(priority: priority, now: now)
                }
                known[side]?.append(id)
            case 1...3:
                guard let id = writable.randomElement(using: &random) else { continue }
                let count = Int.random(
                    in: 0...(1 << Int.random(in: 0..<18, using: &random)), using: &random)
                let bytes = pattern(count, seed: Int(id) + count)
                try pair.with(side) { session throws(YamuxError) in
                    try session.write(bytes[...], to: id)
                }
                expected[side.other]?[id, default: []] += bytes
            case 4:
                guard let id = writable.randomElement(using: &random) else { continue }
                pair.with(side) { $0.finish(id) }
                ended[side]?.insert(id)
            case 5...7:
                pair.send(from: side, frames: Int.random(in: 1..<6, using: &random))
            case 8...9:
                pair.deliver(to: side, bytes: Int.random(in: 1..<200_000, using: &random))
            case 10:
                pair.deliver(to: side, bytes: Int.random(in: 1..<30, using: &random))
            default:
                guard let id = ids.randomElement(using: &random) else { continue }
                pair.consume(on: side, id, max: Int.random(in: 1..<300_000, using: &random))
            }
        }
        pair.settle()
        for side in Side.allCases {
            for id in (known[side] ?? []) + (pair.opened[side] ?? []) {
                pair.with(side) { $0.finish(id) }
            }
        }
        pair.settle()
        #expect(pair.failures.isEmpty && pair.resets.values.allSatisfy(\.isEmpty))
        for side in Side.allCases {
            #expect(
                pair.received[side]?.filter { !$0.value.isEmpty }
                    == expected[side]?.filter { !$0.value.isEmpty })
            #expect(pair.sessions[side]?.streamCount == 0)
            #expect(pair.sessions[side]?.grownByteCount == 0)
        }
    }

    @Test func `one byte at a time means the same as all at once`() throws {
        var pair = SessionPair()
        let id = try pair.with(.dialer) { session throws(YamuxError) in
            let id = try session.openStream(now: .zero)
            try session.write([1, 2, 3, 4, 5], to: id)
            session.finish(id)
            return id
        }
        pair.send(from: .dialer)
        while pair.wires[.listener]?.isEmpty == false {
            pair.deliver(to: .listener, bytes: 1)
        }
        #expect(pair.received[.listener] == [id: [1, 2, 3, 4, 5]])
        #expect(pair.finished[.listener] == [id])
    }

    @Test func `half-close leaves the other direction open`() throws {
        var pair = SessionPair()
        let id = try pair.with(.dialer) { session throws(YamuxError) in
            let id = try session.openStream(now: .zero)
            session.finish(id)
            return id
        }
        pair.settle()
        #expect(pair.finished[.listener] == [id])
        #expect(throws: YamuxError.streamEnded(id)) {
            try pair.with(.dialer) { session throws(YamuxError) in
                try session.write([1], to: id)
            }
        }
        try pair.with(.listener) { session throws(YamuxError) in
            try session.write([7, 8], to: id)
            session.finish(id)
        }
        pair.settle()
        #expect(pair.received[.dialer] == [id: [7, 8]])
        #expect(pair.finished[.dialer] == [id])
        #expect(pair.sessions.values.allSatisfy { $0.streamCount == 0 })
    }

    @Test func `a reset drops queued bytes and both directions`() throws {
        var pair = SessionPair()
        let id = try pair.with(.dialer) { session throws(YamuxError) in
            try session.openStream(now: .zero)
        }
        pair.settle()
        try pair.with(.dialer) { session throws(YamuxError) in
            try session.write(pattern(1_000)[...], to: id)
            session.reset(id)
        }
        pair.settle()
        #expect(pair.resets[.listener] == [id])
        #expect(pair.received[.listener] == [:])
        #expect(pair.sessions.values.allSatisfy { $0.streamCount == 0 })
        #expect(pair.failures.isEmpty)
    }

    @Test func `bytes that cross a reset are thrown away and the session goes on`() throws {
        var pair = SessionPair()
        let id = try pair.with(.dialer) { session throws(YamuxError) in
            let id = try session.openStream(now: .zero)
            try session.write(pattern(50_000)[...], to: id)
            return id
        }
        pair.send(from: .dialer)
        pair.deliver(to: .listener, bytes: 2_000)
        pair.with(.listener) { $0.reset(id) }
        pair.settle()
        #expect(pair.failures.isEmpty)
        let second = try pair.with(.dialer) { session throws(YamuxError) in
            let id = try session.openStream(now: .zero)
            try session.write([9], to: id)
            return id
        }
        pair.settle()
        #expect(pair.received[.listener]?[second] == [9])
    }

    @Test func `control goes first, then prompt streams, then bulk ones in turns`() throws {
        var pair = SessionPair()
        let ids = try pair.with(.dialer) { session throws(YamuxError) in
            let bulk = try session.openStream(priority: .bulk, now: .zero)
            let other = try session.openStream(priority: .bulk, now: .zero)
            let prompt = try session.openStream(priority: .prompt, now: .zero)
            return [bulk, other, prompt]
        }
        pair.settle()
        try pair.with(.dialer) { session throws(YamuxError) in
            try session.write(pattern(200_000)[...], to: ids[0])
            try session.write(pattern(100_000)[...], to: ids[1])
            try session.write([1, 2, 3], to: ids[2])
        }
        let ping = YamuxHeader(kind: .ping, flags: .syn, streamID: 0, length: 77)
        _ = pair.with(.dialer) { $0.receive(ping.bytes[...], now: .zero) }
        var order: [YamuxStreamID] = []
        while let frame = pair.with(.dialer, { $0.nextFrame() }) {
            #expect(frame.payload.count <= 65_507)
            order.append(frame.header.streamID)
        }
        #expect(order == [0, ids[2], ids[0], ids[1], ids[0], ids[1], ids[0], ids[0]])
    }
}
