/// Lets one line a second through, with the count of what it stands for.
struct LogThrottle {
    private static let interval = Duration.seconds(1)

    private var loggedAt: Duration?
    private var count = 0

    /// Counts what is to be told.
    ///
    /// - Returns: How many there were since the last line, if a line is due.
    mutating func add(_ more: Int, now: Duration) -> Int? {
        count += more
        if let loggedAt, now - loggedAt < Self.interval { return nil }
        loggedAt = now
        defer { count = 0 }
        return count
    }
}
