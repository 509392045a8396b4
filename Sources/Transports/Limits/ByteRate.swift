/// A rate of bytes that may be overdrawn once and is then waited for.
///
/// A second's worth may be used at once after a pause.
struct ByteRate: Hashable, Sendable {
    let bytesPerSecond: Int
    private var allowance: Double
    private var filledAt: Duration?

    init(bytesPerSecond: Int) {
        precondition(bytesPerSecond > 0, "a rate of \(bytesPerSecond) bytes a second")
        self.bytesPerSecond = bytesPerSecond
        allowance = Double(bytesPerSecond)
    }

    /// Takes bytes that have been moved already.
    ///
    /// - Returns: How long to wait before the next ones; zero while there is an allowance.
    mutating func take(_ byteCount: Int, now: Duration) -> Duration {
        if let filledAt, now > filledAt {
            let gain = (now - filledAt) / .seconds(1) * Double(bytesPerSecond)
            allowance = min(allowance + gain, Double(bytesPerSecond))
        }
        filledAt = max(filledAt ?? now, now)
        allowance -= Double(byteCount)
        return allowance >= 0 ? .zero : .seconds(-allowance / Double(bytesPerSecond))
    }
}
