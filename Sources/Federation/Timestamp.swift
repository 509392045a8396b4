/// A point on the caller's monotonic clock.
///
/// It is never sent, hashed or stored: after a restart the clock starts elsewhere.
public struct Timestamp: Hashable, Sendable, Comparable {
    /// Milliseconds since an arbitrary start.
    public let milliseconds: UInt64

    /// A point that many milliseconds after the clock's start.
    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    /// The earlier point is the lesser.
    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// The point that many seconds later; a negative or non-finite span counts as none.
    public func adding(seconds: Double) -> Timestamp {
        guard seconds.isFinite, seconds > 0 else { return self }
        let span = UInt64(min(seconds, 1e12) * 1000)
        return Timestamp(milliseconds: milliseconds &+ span)
    }

    /// Seconds from an earlier point to this one; 0 if that point is later.
    public func seconds(since earlier: Timestamp) -> Double {
        guard milliseconds > earlier.milliseconds else { return 0 }
        return Double(milliseconds - earlier.milliseconds) / 1000
    }
}
