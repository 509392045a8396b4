import LibP2P
import Testing

@Suite struct YamuxFlowControlTests {
    let window = YamuxLimits.initialWindowByteCount

    /// A settled pair with one stream on which the dialler has queued `count` bytes.
    func transfer(
        _ count: Int, limits: YamuxLimits = YamuxLimits()
    ) throws -> (SessionPair, YamuxStreamID) {
        var pair = SessionPair(limits: limits)
        pair.now = .milliseconds(50)
        pair.settle()
        let id = try pair.with(.dialer) { session throws(YamuxError) in
            try session.openStream(now: .milliseconds(50))
        }
        pair.settle()
        try pair.with(.dialer) { session throws(YamuxError) in
            try session.write([UInt8](repeating: 5, count: count)[...], to: id)
        }
        return (pair, id)
    }

    @Test func `a sender stops at the window until bytes are consumed`() throws {
        var (pair, id) = try transfer(window * 3)
        pair.settle(isConsuming: false)
        #expect(pair.received[.listener]?[id]?.count == window)
        pair.consume(on: .listener, id, max: window / 2 - 1)
        pair.settle(isConsuming: false)
        #expect(pair.received[.listener]?[id]?.count == window)
        pair.now += .seconds(60)
        pair.consume(on: .listener, id, max: 1)
        pair.settle(isConsuming: false)
        #expect(pair.received[.listener]?[id]?.count == window + window / 2)
        pair.settle()
        #expect(pair.received[.listener]?[id]?.count == window * 3)
    }

    @Test func `one stalled stream does not hold another`() throws {
        var (pair, stalled) = try transfer(window * 3)
        pair.settle(isConsuming: false)
        let other = try pair.with(.dialer) { session throws(YamuxError) in
            let id = try session.openStream(now: .zero)
            try session.write([1, 2, 3], to: id)
            return id
        }
        pair.settle(isConsuming: false)
        #expect(pair.received[.listener]?[other] == [1, 2, 3])
        #expect(pair.received[.listener]?[stalled]?.count == window)
    }

    @Test func `the window doubles while it is the bottleneck and stops at its bounds`() throws {
        var (pair, id) = try transfer(200 << 20)
        #expect(pair.sessions[.listener]?.roundTripTime == .milliseconds(50))
        var inFlightMax = 0
        for _ in 0..<60 {
            pair.send(from: .dialer)
            let inFlight = pair.wires[.listener]?.count ?? 0
            inFlightMax = max(inFlightMax, inFlight)
            pair.now += .milliseconds(50)
            pair.deliver(to: .listener)
            pair.consume(on: .listener, id)
            pair.send(from: .listener)
            pair.deliver(to: .dialer)
        }
        let grown = try #require(pair.sessions[.listener]?.grownByteCount)
        #expect(grown == (16 << 20) - window)
        #expect(inFlightMax > 15 << 20)
        #expect(pair.failures.isEmpty)
    }

    @Test func `a slow reader's window does not grow`() throws {
        var (pair, id) = try transfer(window * 8)
        for _ in 0..<40 {
            pair.send(from: .dialer)
            pair.now += .seconds(5)
            pair.deliver(to: .listener)
            pair.consume(on: .listener, id)
            pair.send(from: .listener)
            pair.deliver(to: .dialer)
        }
        #expect(pair.sessions[.listener]?.grownByteCount == 0)
        #expect(pair.received[.listener]?[id]?.count == window * 8)
    }

    @Test(arguments: [true, false])
    func `growth stops at the budget`(isOfProcess: Bool) throws {
        var limits = YamuxLimits()
        if !isOfProcess { limits.windowGrowthByteCountMax = 1 << 20 }
        var (pair, id) = try transfer(40 << 20, limits: limits)
        if isOfProcess { pair.with(.listener) { $0.growthAllowanceByteCount = 1 << 20 } }
        pair.settle()
        #expect(pair.received[.listener]?[id]?.count == 40 << 20)
        #expect(try #require(pair.sessions[.listener]).grownByteCount <= 1 << 20)
    }

    @Test func `an abandoned stream grants no credit and lingers for a bounded time`() throws {
        var (pair, id) = try transfer(window * 2)
        pair.send(from: .dialer, frames: 2)
        pair.deliver(to: .listener)
        pair.with(.listener) {
            $0.abandonReading(id, now: .milliseconds(50))
            $0.finish(id)
        }
        pair.settle()
        #expect(pair.sessions[.listener]?.streamCount == 1)
        #expect(pair.sessions[.dialer]?.queuedByteCount(of: id) == window)
        let directives = pair.with(.listener) { $0.tick(now: .seconds(61)) }
        #expect(directives == [.reset(id)])
        #expect(pair.sessions[.listener]?.streamCount == 0)
        pair.settle()
        #expect(pair.resets[.dialer] == [id])
    }

    @Test func `what is left for a peer that grants no credit lingers for a bounded time`() throws {
        var (pair, id) = try transfer(window * 2)
        pair.with(.listener) { $0.abandonReading(id, now: .zero) }
        pair.with(.dialer) {
            $0.finish(id)
            $0.abandonReading(id, now: .milliseconds(50))
        }
        pair.settle()
        #expect(pair.sessions[.dialer]?.queuedByteCount(of: id) == window)
        let directives = pair.with(.dialer) { $0.tick(now: .seconds(61)) }
        #expect(directives == [.reset(id)])
        #expect(pair.sessions[.dialer]?.streamCount == 0)
    }

    @Test func `short chunks are joined`() {
        var queue = ByteQueue()
        for value in 0..<100_000 {
            queue.append([UInt8(truncatingIfNeeded: value)])
        }
        var sizes: [Int] = []
        var expected: UInt8 = 0
        while let chunk = queue.popFirst(max: 100_000) {
            sizes.append(chunk.count)
            for byte in chunk {
                #expect(byte == expected)
                expected &+= 1
            }
        }
        #expect(sizes.reduce(0, +) == 100_000)
        #expect(sizes.count <= 8)
        #expect(queue.isEmpty)
    }
}
