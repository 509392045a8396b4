/// What a session keeps of one stream.
///
/// Legal moves of a side: open → ended, by FIN or RST. The stream is released when both have ended.
struct YamuxStreamState: Sendable {
    let isOutbound: Bool
    var priority: YamuxPriority

    // Reading.
    var isReadOpen = true
    /// What the peer may still send.
    var receiveWindow = YamuxLimits.initialWindowByteCount
    /// The window that the peer has right after an update.
    var targetWindow = YamuxLimits.initialWindowByteCount
    var consumedSinceUpdate = 0
    var lastUpdate: Duration
    /// Credit decided but not yet sent.
    var pendingCredit = 0
    var isCreditQueued = false
    /// Since when nobody reads: bytes are dropped and no credit is granted.
    var abandonedAt: Duration?

    // Writing.
    var isWriteOpen = true
    var isFinishing = false
    /// What this side may still send.
    var sendWindow = YamuxLimits.initialWindowByteCount
    var queue = ByteQueue()
    /// Whether the id is in the ready queue of its class.
    var isReady = false
    var isAcknowledged: Bool

    init(isOutbound: Bool, priority: YamuxPriority, now: Duration) {
        self.isOutbound = isOutbound
        self.priority = priority
        lastUpdate = now
        isAcknowledged = !isOutbound
    }

    var isReleasable: Bool { !isReadOpen && !isWriteOpen }

    /// Whether a frame of this stream can be sent now.
    var canSend: Bool {
        isWriteOpen && ((!queue.isEmpty && sendWindow > 0) || (queue.isEmpty && isFinishing))
    }

    var windowGrowth: Int { targetWindow - YamuxLimits.initialWindowByteCount }

    /// Whether bytes that come are still wanted.
    var isRead: Bool { isReadOpen && abandonedAt == nil }

    /// Takes what the next data frame carries; `nil` if none can be sent.
    mutating func takePayload(max: Int) -> (payload: ArraySlice<UInt8>, isLast: Bool)? {
        guard canSend else { return nil }
        var payload: ArraySlice<UInt8> = []
        if !queue.isEmpty {
            payload = queue.popFirst(max: min(max, sendWindow)) ?? []
            sendWindow -= payload.count
        }
        if isFinishing, queue.isEmpty {
            isWriteOpen = false
        }
        return (payload, !isWriteOpen)
    }

    /// Turns what was consumed, and what the window grows by, into credit.
    ///
    /// - Returns: Whether a frame has to be queued for it.
    mutating func grantCredit(growth: Int, now: Duration) -> Bool {
        let credit = consumedSinceUpdate + growth
        targetWindow += growth
        receiveWindow += credit
        pendingCredit += credit
        consumedSinceUpdate = 0
        lastUpdate = now
        defer { isCreditQueued = true }
        return !isCreditQueued
    }
}
