internal import Foundation

/// The time and the waiting of a service, passed in so that a test can do without either.
public struct ServiceClock: Sendable {
    /// The time since an arbitrary start; it never goes back.
    public let now: @Sendable () -> Duration

    /// The milliseconds since 1970, for what outlives the process.
    public let unixMilliseconds: @Sendable () -> UInt64

    /// Waits; throws when the task is cancelled.
    public let sleep: @Sendable (Duration) async throws -> Void

    /// Makes a clock of its three readings.
    public init(
        now: @escaping @Sendable () -> Duration,
        unixMilliseconds: @escaping @Sendable () -> UInt64,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.unixMilliseconds = unixMilliseconds
        self.sleep = sleep
    }

    /// The clock of the machine.
    public static let system: ServiceClock = {
        let start = ContinuousClock.now
        return ServiceClock(
            now: { start.duration(to: .now) },
            unixMilliseconds: { UInt64(max(0, Date().timeIntervalSince1970 * 1000)) },
            sleep: { duration in try await Task.sleep(for: duration, clock: .continuous) })
    }()
}
