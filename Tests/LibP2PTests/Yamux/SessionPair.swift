import LibP2P

/// Two sessions joined by a lossless pipe that cuts the bytes anywhere.
struct SessionPair {
    enum Side: CaseIterable {
        case dialer, listener

        var other: Side { self == .dialer ? .listener : .dialer }
    }

    var sessions: [Side: YamuxSession]
    /// Bytes on their way to the side.
    var wires: [Side: [UInt8]] = [.dialer: [], .listener: []]
    var received: [Side: [YamuxStreamID: [UInt8]]] = [.dialer: [:], .listener: [:]]
    /// Bytes received but not yet consumed.
    var unread: [Side: [YamuxStreamID: Int]] = [.dialer: [:], .listener: [:]]
    var finished: [Side: Set<YamuxStreamID>] = [.dialer: [], .listener: []]
    var opened: [Side: [YamuxStreamID]] = [.dialer: [], .listener: []]
    var resets: [Side: Set<YamuxStreamID>] = [.dialer: [], .listener: []]
    var failures: [Side: YamuxError] = [:]
    var now = Duration.zero

    init(limits: YamuxLimits = YamuxLimits()) {
        sessions = [
            .dialer: YamuxSession(role: .dialer, limits: limits, now: .zero),
            .listener: YamuxSession(role: .listener, limits: limits, now: .zero),
        ]
    }

    mutating func with<Result, Failure: Error>(
        _ side: Side, _ body: (inout YamuxSession) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard var session = sessions.removeValue(forKey: side) else {
            preconditionFailure("no session")
        }
        defer { sessions[side] = session }
        return try body(&session)
    }

    /// Puts at most `max` frames of a side on the wire.
    mutating func send(from side: Side, frames max: Int = .max) {
        for _ in 0..<max {
            guard let frame = with(side, { $0.nextFrame() }) else { return }
            wires[side.other, default: []] += frame.bytes
        }
    }

    /// Hands a side at most `max` bytes of what is on the wire.
    mutating func deliver(to side: Side, bytes max: Int = .max) {
        let bytes = wires[side]?.prefix(max) ?? []
        wires[side]?.removeFirst(bytes.count)
        let time = now
        for directive in with(side, { $0.receive(ArraySlice(bytes), now: time) }) {
            switch directive {
            case .opened(let id): opened[side]?.append(id)
            case .data(let id, let data):
                received[side]?[id, default: []] += data
                unread[side]?[id, default: 0] += data.count
            case .finished(let id): finished[side]?.insert(id)
            case .reset(let id): resets[side]?.insert(id)
            case .failed(let error): failures[side] = error
            }
        }
    }

    /// Consumes what a side has received on a stream, at most `max` bytes.
    mutating func consume(on side: Side, _ id: YamuxStreamID, max: Int = .max) {
        let count = min(max, unread[side]?[id] ?? 0)
        unread[side]?[id, default: 0] -= count
        let time = now
        with(side) { $0.consume(count, of: id, now: time) }
    }

    /// Moves everything until nothing moves any more.
    mutating func settle(isConsuming: Bool = true) {
        var isMoving = true
        while isMoving {
            isMoving = false
            for side in Side.allCases {
                send(from: side)
                if wires[side.other]?.isEmpty == false {
                    isMoving = true
                    deliver(to: side.other)
                }
                for id in (unread[side] ?? [:]).keys.sorted() where isConsuming {
                    consume(on: side, id)
                }
                isMoving = isMoving || sessions[side]?.hasFrames == true
            }
        }
    }
}
