internal import NIOCore

/// Fails a stream when the time is over, unless it is cancelled before.
struct StreamTimeout: Sendable {
    private let scheduled: Scheduled<Void>

    init(stream: SwarmStream, after timeout: Duration) {
        scheduled = stream.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            stream.fail(.timedOut(after: timeout))
        }
    }

    func cancel() {
        scheduled.cancel()
    }
}
