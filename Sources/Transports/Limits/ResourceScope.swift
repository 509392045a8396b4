internal import LibP2P
internal import Synchronization

/// What one peer, or all of them together, take of this node: streams, memory and bytes a second.
///
/// A peer's scope counts in that of the node as well. Both are read and changed from any thread.
final class ResourceScope: Sendable {
    /// The way of bytes over the socket.
    enum Direction {
        case sent, received
    }

    private struct Rates {
        var sent: ByteRate?
        var received: ByteRate?
    }

    let parent: ResourceScope?
    let memoryByteCountMax: Int
    let streamCountMax: Int
    private let used = Atomic<Int>(0)
    private let unread = Atomic<Int>(0)
    private let streams = Atomic<Int>(0)
    private let children = Atomic<Int>(0)
    private let sentBytes = Atomic<UInt64>(0)
    private let receivedBytes = Atomic<UInt64>(0)
    private let rates: Mutex<Rates>?
    private let receivedBytesPerSecondMax: Int?

    /// The scope of the whole node.
    convenience init(limits: TransportLimits) {
        self.init(
            parent: nil, memoryByteCountMax: limits.memoryByteCountMax,
            streamCountMax: limits.streamCountMax,
            rates: Rates(
                sent: limits.sentBytesPerSecondMax.map(ByteRate.init(bytesPerSecond:)),
                received: limits.receivedBytesPerSecondMax.map(ByteRate.init(bytesPerSecond:))))
    }

    /// The scope of one peer.
    convenience init(peerIn parent: ResourceScope, limits: TransportLimits) {
        self.init(
            parent: parent, memoryByteCountMax: limits.memoryByteCountMaxPerPeer,
            streamCountMax: limits.streamCountMaxPerPeer,
            rates: Rates(
                sent: limits.sentBytesPerSecondMaxPerPeer.map(ByteRate.init(bytesPerSecond:)),
                received: limits.receivedBytesPerSecondMaxPerPeer
                    .map(ByteRate.init(bytesPerSecond:))))
    }

    private init(
        parent: ResourceScope?, memoryByteCountMax: Int, streamCountMax: Int, rates: Rates
    ) {
        self.parent = parent
        self.memoryByteCountMax = memoryByteCountMax
        self.streamCountMax = streamCountMax
        let isLimited = rates.sent != nil || rates.received != nil
        self.rates = isLimited ? Mutex(rates) : nil
        receivedBytesPerSecondMax = rates.received?.bytesPerSecond
        parent?.children.add(1, ordering: .relaxed)
    }

    deinit {
        parent?.children.subtract(1, ordering: .relaxed)
    }

    // MARK: Memory

    /// The bytes that are promised to peers or held for them.
    var usedByteCount: Int { used.load(ordering: .relaxed) }

    /// What may still be promised, here and in the whole node; never negative.
    var remaining: Int {
        let own = max(0, memoryByteCountMax - usedByteCount)
        return parent.map { min(own, $0.remaining) } ?? own
    }

    /// What windows may still grow by: they take up to half, so that there is always room for what
    /// peers send unasked.
    var growthRemaining: Int {
        let own = max(0, memoryByteCountMax / 2 - usedByteCount)
        return parent.map { min(own, $0.growthRemaining) } ?? own
    }

    /// What the windows of one connection may grow by altogether: where received bytes have a
    /// bound, a quarter of a second's worth, since what has been promised cannot be held back.
    var growthMax: Int {
        let own = receivedBytesPerSecondMax.map { $0 / 4 } ?? .max
        return parent.map { min(own, $0.growthMax) } ?? own
    }

    /// Records what windows have grown or shrunk by.
    func adjustWindows(by byteCount: Int) {
        used.add(byteCount, ordering: .relaxed)
        parent?.adjustWindows(by: byteCount)
    }

    /// Records received bytes that wait for their reader, or were read where the count is negative.
    ///
    /// Data within its window is always recorded, so a bound may be exceeded by what was promised
    /// before; ``exceeded`` then tells whose connection has to go.
    func adjustUnread(by byteCount: Int) {
        used.add(byteCount, ordering: .relaxed)
        unread.add(byteCount, ordering: .relaxed)
        parent?.adjustUnread(by: byteCount)
    }

    /// The bound for unread bytes that this peer breaks.
    ///
    /// Of a node that holds too much, whoever has more than an equal share of it breaks the bound.
    var exceeded: ResourceLimit? {
        let own = unread.load(ordering: .relaxed)
        guard own <= memoryByteCountMax else {
            return .memoryPerPeer(byteCount: memoryByteCountMax)
        }
        guard let parent, parent.unread.load(ordering: .relaxed) > parent.memoryByteCountMax else {
            return nil
        }
        let share = parent.memoryByteCountMax / max(1, parent.children.load(ordering: .relaxed))
        return own > share ? .memory(byteCount: parent.memoryByteCountMax) : nil
    }

    // MARK: Streams

    /// The streams that are open.
    var streamCount: Int { streams.load(ordering: .relaxed) }

    /// Counts a stream that opens, unless a bound forbids it.
    func openStream() -> ResourceLimit? {
        guard streams.add(1, ordering: .relaxed).newValue <= streamCountMax else {
            streams.subtract(1, ordering: .relaxed)
            return parent == nil ? .streams(streamCountMax) : .streamsPerPeer(streamCountMax)
        }
        guard let limit = parent?.openStream() else { return nil }
        streams.subtract(1, ordering: .relaxed)
        return limit
    }

    /// Counts a stream that has ended.
    func closeStream() {
        streams.subtract(1, ordering: .relaxed)
        parent?.closeStream()
    }

    // MARK: Bytes

    /// The bytes that have gone over the sockets.
    var byteCounts: (sent: UInt64, received: UInt64) {
        (sentBytes.load(ordering: .relaxed), receivedBytes.load(ordering: .relaxed))
    }

    /// Counts bytes of a socket.
    ///
    /// - Parameter isNested: Whether they lie within another connection, where the node has counted
    ///   them.
    /// - Returns: How long to wait before more of them.
    func move(
        _ byteCount: Int, _ direction: Direction, now: Duration, isNested: Bool = false
    ) -> Duration {
        switch direction {
        case .sent: sentBytes.add(UInt64(byteCount), ordering: .relaxed)
        case .received: receivedBytes.add(UInt64(byteCount), ordering: .relaxed)
        }
        let own = rates?.withLock { rates in
            switch direction {
            case .sent: rates.sent?.take(byteCount, now: now)
            case .received: rates.received?.take(byteCount, now: now)
            }
        }
        if isNested { return (own ?? nil) ?? .zero }
        let above = parent?.move(byteCount, direction, now: now) ?? .zero
        return max((own ?? nil) ?? .zero, above)
    }
}
