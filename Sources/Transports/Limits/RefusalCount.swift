/// Counts a peer's proposals of unknown protocols within ten seconds.
struct RefusalCount {
    private static let period = Duration.seconds(10)
    private var count = 0
    private var periodStart: Duration?

    /// Counts one more and returns how many there were in the current period.
    mutating func add(now: Duration) -> Int {
        if let start = periodStart, now - start < Self.period {
            count += 1
        } else {
            periodStart = now
            count = 1
        }
        return count
    }
}
