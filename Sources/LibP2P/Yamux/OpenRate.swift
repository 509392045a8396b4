/// A token bucket: so many at once, and so many per second in the long run.
struct OpenRate: Hashable, Sendable {
    let perSecond: Int
    let burst: Int
    private var tokens: Double
    private var refilledAt: Duration

    init(perSecond: Int, burst: Int, now: Duration) {
        self.perSecond = perSecond
        self.burst = burst
        tokens = Double(burst)
        refilledAt = now
    }

    /// Takes one token if there is one.
    mutating func take(now: Duration) -> Bool {
        if now > refilledAt {
            tokens = min(
                Double(burst), tokens + (now - refilledAt) / .seconds(1) * Double(perSecond))
            refilledAt = now
        }
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
