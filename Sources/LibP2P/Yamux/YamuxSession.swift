/// A yamux session as a value: bytes and times in, directives and frames out.
///
/// The owner feeds received bytes to `receive`, sends what `nextFrame` returns whenever the
/// transport takes more, and calls `tick` at `nextDeadline`. Times are readings of one steady
/// clock that starts anywhere.
///
/// Source: network specification, section 6.
public struct YamuxSession: Sendable {
    /// Which side dialled the connection; it decides the parity of stream ids.
    public enum Role: Hashable, Sendable {
        /// Opens streams 1, 3, 5 …
        case dialer
        /// Opens streams 2, 4, 6 …
        case listener
    }

    /// This side.
    public let role: Role
    /// The bounds that the session keeps.
    public let limits: YamuxLimits
    /// Whether opens of the peer are accepted; otherwise they are answered with RST.
    public var acceptsStreams = true
    /// Bytes by which windows may still grow, on top of the session's own bound; the owner sets
    /// it from the budget of its process.
    public var growthAllowanceByteCount = Int.max
    /// Bytes by which all windows together have grown beyond their initial size.
    public private(set) var grownByteCount = 0
    /// The smoothed time of a ping and its answer, once there was one.
    public internal(set) var roundTripTime: Duration?
    /// Why the session has ended, if it has.
    public internal(set) var failure: YamuxError?

    var streams: [YamuxStreamID: YamuxStreamState] = [:]
    var inboundCount = 0
    var unacknowledgedCount = 0
    var nextStreamID: YamuxStreamID?
    var openRate: OpenRate
    var idleRate: OpenRate
    var refusals: [YamuxRefusal: Int] = [:]
    var refusalCount = 0
    var hasSentGoAway = false
    var remoteGoAwayCode: UInt32?

    var control = FrameQueue<ControlFrame>()
    var promptReady = FrameQueue<YamuxStreamID>()
    var bulkReady = FrameQueue<YamuxStreamID>()

    var parsing = Parsing.header([])
    /// When bytes of the peer came last.
    public internal(set) var lastReceived: Duration
    var outstandingPing: (value: UInt32, sentAt: Duration)?
    var nextPingValue: UInt32 = 0

    /// A frame that goes before all data.
    enum ControlFrame: Sendable {
        case open(YamuxStreamID)
        case accept(YamuxStreamID)
        case credit(YamuxStreamID)
        case reset(YamuxStreamID)
        case ping(UInt32)
        case pong(UInt32)
        case goAway(code: UInt32)
    }

    /// Where in the incoming bytes the session is.
    enum Parsing: Sendable {
        /// The bytes of an incomplete header.
        case header([UInt8])
        /// Inside a body; `streamID` is `nil` where it is thrown away.
        case body(streamID: YamuxStreamID?, remaining: Int, isLast: Bool)
    }

    /// Starts a session on a new connection and measures the round-trip time at once.
    public init(role: Role, limits: YamuxLimits = YamuxLimits(), now: Duration) {
        self.role = role
        self.limits = limits
        nextStreamID = role == .dialer ? 1 : 2
        openRate = OpenRate(perSecond: limits.openRatePerSecond, burst: limits.openBurst, now: now)
        idleRate = OpenRate(
            perSecond: limits.idleFrameRatePerSecond, burst: limits.idleFrameBurst, now: now)
        lastReceived = now
        startPing(now: now)
    }

    /// Why opens of the peer were refused since the last call, and how often, in a fixed order.
    public mutating func takeRefusals() -> [(YamuxRefusal, count: Int)] {
        guard !refusals.isEmpty else { return [] }
        defer { refusals = [:] }
        return refusals.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { ($0.key, count: $0.value) }
    }

    /// Whether the peer opens no more streams and accepts none.
    public var hasRemoteGoneAway: Bool { remoteGoAwayCode != nil }

    // MARK: Streams

    /// The streams that have not ended in both directions.
    public var streamCount: Int { streams.count }

    /// Opens a stream; its first frame leaves before any data.
    ///
    /// - Throws: `sessionEnding`, `tooManyUnacknowledged` or `streamIDsExhausted`.
    public mutating func openStream(
        priority: YamuxPriority = .bulk, now: Duration
    ) throws(YamuxError) -> YamuxStreamID {
        guard failure == nil, !hasSentGoAway, remoteGoAwayCode == nil else { throw .sessionEnding }
        guard unacknowledgedCount < limits.unacknowledgedCountMax else {
            throw .tooManyUnacknowledged(limit: limits.unacknowledgedCountMax)
        }
        guard let id = nextStreamID else { throw .streamIDsExhausted }
        let (next, overflow) = id.addingReportingOverflow(2)
        nextStreamID = overflow ? nil : next
        unacknowledgedCount += 1
        streams[id] = YamuxStreamState(isOutbound: true, priority: priority, now: now)
        control.append(.open(id))
        return id
    }

    /// Changes the class of a stream, for example once its protocol is known.
    public mutating func setPriority(_ priority: YamuxPriority, of id: YamuxStreamID) {
        streams[id]?.priority = priority
    }

    /// The class of a stream; nil if it has ended.
    public func priority(of id: YamuxStreamID) -> YamuxPriority? { streams[id]?.priority }

    /// Queues bytes; they are not copied.
    ///
    /// - Throws: `streamEnded` if the stream is gone or its own direction has ended.
    public mutating func write(
        _ bytes: ArraySlice<UInt8>, to id: YamuxStreamID
    ) throws(YamuxError) {
        guard streams[id]?.isWriteOpen == true, streams[id]?.isFinishing == false else {
            throw .streamEnded(id)
        }
        streams[id]?.queue.append(bytes)
        markReady(id)
    }

    /// The bytes that are queued on a stream and not yet sent.
    public func queuedByteCount(of id: YamuxStreamID) -> Int {
        streams[id]?.queue.byteCount ?? 0
    }

    /// Ends the own direction after everything queued.
    ///
    /// Does nothing if it has ended.
    public mutating func finish(_ id: YamuxStreamID) {
        guard streams[id]?.isWriteOpen == true else { return }
        streams[id]?.isFinishing = true
        markReady(id)
    }

    /// Ends both directions at once.
    ///
    /// Does nothing if the stream has ended.
    public mutating func reset(_ id: YamuxStreamID) {
        guard streams[id] != nil else { return }
        release(id)
        queueControl(.reset(id))
    }

    /// Ends both directions of all streams at once.
    public mutating func resetAll() {
        for id in streams.keys.sorted() {
            reset(id)
        }
    }

    /// Says that nobody reads the stream any more: what comes is dropped without new credit, and
    /// the stream is reset if the peer does not end it in the linger time.
    public mutating func abandonReading(_ id: YamuxStreamID, now: Duration) {
        guard streams[id]?.abandonedAt == nil else { return }
        streams[id]?.abandonedAt = now
    }

    /// Grants the peer new credit for bytes that the application has taken.
    ///
    /// An update leaves once half of the target window is consumed. If the previous one is
    /// younger than 4 round trips × (window / 256 KiB), the window is the bottleneck and doubles.
    /// Source: network specification, section 6.3.
    public mutating func consume(_ byteCount: Int, of id: YamuxStreamID, now: Duration) {
        guard failure == nil, byteCount > 0, streams[id]?.isRead == true else { return }
        streams[id]?.consumedSinceUpdate += byteCount
        guard let consumed = streams[id]?.consumedSinceUpdate,
            let target = streams[id]?.targetWindow, let lastUpdate = streams[id]?.lastUpdate,
            consumed * 2 >= target
        else { return }
        let growth = windowGrowth(from: target, lastUpdate: lastUpdate, now: now)
        grownByteCount += growth
        growthAllowanceByteCount -= growth
        if streams[id]?.grantCredit(growth: growth, now: now) == true {
            control.append(.credit(id))
        }
    }

    private func windowGrowth(from target: Int, lastUpdate: Duration, now: Duration) -> Int {
        guard let roundTripTime, target < limits.windowByteCountMax else { return 0 }
        let threshold = roundTripTime * (4 * target / YamuxLimits.initialWindowByteCount)
        guard now - lastUpdate < threshold else { return 0 }
        let growth = min(target, limits.windowByteCountMax - target)
        let allowed = min(
            limits.windowGrowthByteCountMax - grownByteCount,
            growthAllowanceByteCount
        )
        return growth <= allowed ? growth : 0
    }

    // MARK: State that several parts change

    /// Puts a stream into the ready queue of its class if it can send.
    mutating func markReady(_ id: YamuxStreamID) {
        guard streams[id]?.isReady == false, streams[id]?.canSend == true,
            let priority = streams[id]?.priority
        else { return }
        streams[id]?.isReady = true
        switch priority {
        case .prompt: promptReady.append(id)
        case .bulk: bulkReady.append(id)
        }
    }

    /// Releases a stream whose two directions have ended.
    mutating func releaseIfEnded(_ id: YamuxStreamID) {
        if streams[id]?.isReleasable == true {
            release(id)
        }
    }

    /// Forgets a stream.
    mutating func release(_ id: YamuxStreamID) {
        guard let stream = streams.removeValue(forKey: id) else { return }
        grownByteCount -= stream.windowGrowth
        if !stream.isOutbound {
            inboundCount -= 1
        } else if !stream.isAcknowledged {
            unacknowledgedCount -= 1
        }
    }

    /// Queues a frame that the peer can provoke; the queue is bounded.
    mutating func queueControl(_ frame: ControlFrame) {
        guard failure == nil else { return }
        guard control.count < limits.controlFrameCountMax else {
            return fail(.controlQueueOverflow(limit: limits.controlFrameCountMax))
        }
        control.append(frame)
    }

    /// Ends the session: what is queued is dropped, and a go-away leaves as the last frame.
    mutating func fail(_ error: YamuxError) {
        guard failure == nil else { return }
        failure = error
        streams.removeAll()
        grownByteCount = 0
        inboundCount = 0
        unacknowledgedCount = 0
        control.removeAll()
        promptReady.removeAll()
        bulkReady.removeAll()
        switch error {
        case .remoteGoAway, .keepAliveTimeout: break
        default: control.append(.goAway(code: 1))
        }
    }
}
