internal import Synchronization

/// Notices that something has not moved for too long.
final class StallWatch: Sendable {
    private let limit: Duration
    private let clock: ServiceClock
    private let lastMove: Mutex<Duration>

    init(limit: Duration, clock: ServiceClock) {
        self.limit = limit
        self.clock = clock
        lastMove = Mutex(clock.now())
    }

    /// Notes a move.
    func renew() {
        let now = clock.now()
        lastMove.withLock { $0 = now }
    }

    /// Returns true once nothing has moved for the limit, false when the task is cancelled.
    func waitForStall() async -> Bool {
        while true {
            let left = lastMove.withLock { $0 } + limit - clock.now()
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
