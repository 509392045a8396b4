internal import LibP2P
internal import Synchronization

/// What a stream's user and its connection share: received bytes, bytes to be sent, and how each
/// direction ends.
///
/// The user's tasks and the event loop both take the lock, briefly; neither waits for the other.
final class StreamBuffers: Sendable {
    /// What a writer may queue before it has to wait: a millisecond of a fast loop's work, so that
    /// the loop does not run dry while the writer's thread is being woken.
    static let sendByteCountMax = 512 << 10
    /// What is read before the loop is told, where no credit hangs on it: a quarter of the least
    /// window, of which the session grants by the half.
    static let reportByteCountMin = YamuxLimits.initialWindowByteCount / 4

    /// What an attempt to read found.
    enum ReadResult {
        case bytes(ArraySlice<UInt8>, mustReport: Bool)
        case finished
        case failed(TransportError)
        case empty
    }

    private struct Reading {
        var queue = ByteQueue()
        var isFinished = false
        var waiter: CheckedContinuation<Void, Never>?
        var consumedByteCount = 0
        var isReportDue = false
        /// Nobody reads any more; what comes is dropped.
        var isAbandoned = false
    }

    private struct Writing {
        var outbox: [ArraySlice<UInt8>] = []
        /// Bytes accepted from the writer and not yet framed.
        var byteCount = 0
        var isFlushDue = false
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private struct State {
        var reading = Reading()
        var writing = Writing()
        var error: TransportError?
    }

    private let state = Mutex(State())
    private let scope: ResourceScope

    init(scope: ResourceScope) {
        self.scope = scope
    }

    deinit {
        scope.adjustUnread(by: -state.withLock { $0.reading.queue.byteCount })
    }

    // MARK: The user's side of reading

    /// Takes bytes; `mustReport` asks the caller to have `takeConsumed` called on the loop.
    func take(max: Int) -> ReadResult {
        state.withLock { state in
            if let bytes = state.reading.queue.popFirst(max: max) {
                scope.adjustUnread(by: -bytes.count)
                state.reading.consumedByteCount += bytes.count
                let mustReport =
                    !state.reading.isReportDue
                    && state.reading.consumedByteCount >= Self.reportByteCountMin
                if mustReport { state.reading.isReportDue = true }
                return .bytes(bytes, mustReport: mustReport)
            }
            if state.reading.isFinished { return .finished }
            if let error = state.error { return .failed(error) }
            return .empty
        }
    }

    /// Waits until `take` finds something, or the task is cancelled.
    func waitForBytes() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    precondition(state.reading.waiter == nil, "two tasks read one stream")
                    let isReady =
                        !state.reading.queue.isEmpty || state.reading.isFinished
                        || state.error != nil || Task.isCancelled
                    if !isReady { state.reading.waiter = continuation }
                    return isReady
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            wakeReader()
        }
    }

    /// Wakes the reader, if one waits.
    func wakeReader() {
        let waiter = state.withLock { $0.reading.waiter.take() }
        waiter?.resume()
    }

    // MARK: The user's side of writing

    /// Queues bytes if there is room, or says why not.
    ///
    /// - Returns: Whether they are queued, and whether the loop has to be told.
    func offer(_ bytes: [UInt8]) throws(TransportError) -> (isQueued: Bool, mustFlush: Bool) {
        try state.withLock { state throws(TransportError) in
            if let error = state.error { throw error }
            guard !state.writing.isClosed else { throw .writeClosed }
            guard state.writing.byteCount < Self.sendByteCountMax else { return (false, false) }
            state.writing.byteCount += bytes.count
            state.writing.outbox.append(bytes[...])
            let mustFlush = !state.writing.isFlushDue
            state.writing.isFlushDue = true
            return (true, mustFlush)
        }
    }

    /// Waits until there is room, the stream fails, or the task is cancelled.
    func waitForRoom() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    precondition(state.writing.waiter == nil, "two tasks write one stream")
                    let isReady =
                        state.writing.byteCount < Self.sendByteCountMax || state.error != nil
                        || Task.isCancelled
                    if !isReady { state.writing.waiter = continuation }
                    return isReady
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { $0.writing.waiter.take() }
            waiter?.resume()
        }
    }

    /// Closes the own direction behind what is queued.
    ///
    /// - Returns: Whether the loop has to be told.
    func closeWriting() -> Bool {
        state.withLock { state in
            guard !state.writing.isClosed, state.error == nil else { return false }
            state.writing.isClosed = true
            let mustFlush = !state.writing.isFlushDue
            state.writing.isFlushDue = true
            return mustFlush
        }
    }

    // MARK: The loop's side

    /// Adds received bytes; `wakeReader` has to follow where somebody waits for them.
    ///
    /// - Returns: Whether somebody does.
    func append(_ bytes: ArraySlice<UInt8>) -> Bool {
        state.withLock { state in
            guard state.error == nil, !state.reading.isAbandoned else { return false }
            scope.adjustUnread(by: bytes.count)
            state.reading.queue.append(bytes)
            return state.reading.waiter != nil
        }
    }

    /// The peer ended its direction.
    func finishReading() {
        let waiter = state.withLock { state in
            state.reading.isFinished = true
            return state.reading.waiter.take()
        }
        waiter?.resume()
    }

    /// Drops what is unread, now and later.
    func abandonReading() {
        state.withLock { state in
            state.reading.isAbandoned = true
            scope.adjustUnread(by: -state.reading.queue.byteCount)
            state.reading.queue.removeAll()
        }
    }

    /// Whether the own end is queued or sent.
    var isWriteClosed: Bool {
        state.withLock { $0.writing.isClosed }
    }

    /// Counts bytes that the connection itself sends on the stream.
    func willSend(_ byteCount: Int) {
        state.withLock { $0.writing.byteCount += byteCount }
    }

    /// Bytes read since the last call.
    func takeConsumed() -> Int {
        state.withLock { state in
            state.reading.isReportDue = false
            defer { state.reading.consumedByteCount = 0 }
            return state.reading.consumedByteCount
        }
    }

    /// Bytes to be sent, and whether the own direction ends behind them.
    func takeOutbox() -> (bytes: [ArraySlice<UInt8>], isClosed: Bool) {
        state.withLock { state in
            state.writing.isFlushDue = false
            defer { state.writing.outbox = [] }
            return (state.writing.outbox, state.writing.isClosed)
        }
    }

    /// Bytes have been framed; the writer may go on.
    func didSend(_ byteCount: Int) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.writing.byteCount -= byteCount
            guard state.writing.byteCount < Self.sendByteCountMax else { return nil }
            return state.writing.waiter.take()
        }
        waiter?.resume()
    }

    /// Ends both directions; the first reason stays.
    ///
    /// Bytes received before are still readable, unless the stream was reset by its own user.
    func fail(_ error: TransportError, dropsReceived: Bool = false) {
        let waiters = state.withLock { state in
            if state.error == nil { state.error = error }
            if dropsReceived {
                scope.adjustUnread(by: -state.reading.queue.byteCount)
                state.reading.queue.removeAll()
            }
            state.writing.outbox = []
            return [state.reading.waiter.take(), state.writing.waiter.take()]
        }
        for waiter in waiters { waiter?.resume() }
    }
}
