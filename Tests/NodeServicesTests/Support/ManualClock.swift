import NodeServices
import Synchronization

/// Time that passes only when a test says so.
final class ManualClock: Sendable {
    private struct Sleeper {
        let deadline: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        let durations: ClosedRange<Duration>
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Duration.zero
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var watchers: [Int: Watcher] = [:]
    }

    private let state = Mutex(State())

    var now: Duration { state.withLock { $0.now } }

    var service: ServiceClock {
        ServiceClock(
            now: { self.now },
            unixMilliseconds: {
                let (seconds, attoseconds) = self.now.components
                return UInt64(
                    1_700_000_000_000 + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
            },
            sleep: { try await self.sleep($0) })
    }

    /// Lets time pass and wakes whoever is due.
    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let ids = state.sleepers.filter { $0.value.deadline <= state.now }.keys
            return ids.compactMap { state.sleepers.removeValue(forKey: $0)?.continuation }
        }
        for continuation in due { continuation.resume() }
    }

    /// Returns once somebody sleeps for what is left of exactly this duration.
    func waitForSleep(of duration: Duration) async {
        await waitForSleep(in: duration...duration)
    }

    /// Returns once somebody sleeps for what is left of a duration in this range, or when the task
    /// is cancelled.
    func waitForSleep(in durations: ClosedRange<Duration>) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    let now = state.now
                    let isThere = state.sleepers.values.contains {
                        durations.contains($0.deadline - now)
                    }
                    if isThere || state.cancelled.remove(id) != nil { return true }
                    state.watchers[id] = Watcher(durations: durations, continuation: continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            let watcher = state.withLock { state in
                let watcher = state.watchers.removeValue(forKey: id)
                if watcher == nil { state.cancelled.insert(id) }
                return watcher
            }
            watcher?.continuation.resume()
        }
    }

    /// Lets time pass whenever somebody waits for a while in this range, until the task is
    /// cancelled.
    func pass(_ durations: ClosedRange<Duration>) async {
        while !Task.isCancelled {
            await waitForSleep(in: durations)
            if !Task.isCancelled { advance(by: durations.upperBound) }
        }
    }

    private func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (isCancelled, seen) = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return (true, [Watcher]()) }
                    state.sleepers[id] = Sleeper(
                        deadline: state.now + duration, continuation: continuation)
                    let seen = state.watchers.filter { $0.value.durations.contains(duration) }
                    for id in seen.keys { state.watchers[id] = nil }
                    return (false, Array(seen.values))
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
                for watcher in seen { watcher.continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                guard let sleeper = state.sleepers.removeValue(forKey: id) else {
                    state.cancelled.insert(id)
                    return nil as Sleeper?
                }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
