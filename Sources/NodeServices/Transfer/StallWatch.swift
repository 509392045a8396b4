internal import Synchronization

/// Notices that something has not moved for too long.
final class StallWatch: Sendable {
    private struct State {
        var limit: Duration
        var lastMove: Duration
    }

    private let clock: ServiceClock
    private let state: Mutex<State>

    init(limit: Duration, clock: ServiceClock) {
        self.clock = clock
        state = Mutex(State(limit: limit, lastMove: clock.now()))
    }

    /// The limit that holds now.
    var limit: Duration { state.withLock(\.limit) }

    /// Notes a move, and sets the limit for the next one if it is another.
    func renew(limit: Duration? = nil) {
        let now = clock.now()
        state.withLock { state in
            state.lastMove = now
            if let limit { state.limit = limit }
        }
    }

    /// Returns true once nothing has moved for the limit, false when the task is cancelled.
    func waitForStall() async -> Bool {
        while true {
            let left = state.withLock { $0.lastMove + $0.limit } - clock.now()
            guard left > .zero else { return true }
            do {
                try await clock.sleep(left)
            } catch {
                return false
            }
        }
    }

    /// Runs work while watching; calls `onStall`, which is to fail the work, if it stands still.
    ///
    /// - Returns: What the work returned, and whether it had stalled.
    func run<Result: Sendable>(
        onStall: @escaping @Sendable () -> Void,
        work: () async -> Result
    ) async -> (result: Result, hasStalled: Bool) {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                let hasStalled = await self.waitForStall()
                if hasStalled { onStall() }
                return hasStalled
            }
            let result = await work()
            group.cancelAll()
            let hasStalled = await group.next() ?? false
            return (result, hasStalled)
        }
    }
}
