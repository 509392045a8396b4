/// The alarm of a machine that tells when it wants to be woken.
///
/// Of several that were set only the last one rings: a sleeper whose alarm was set anew for an earlier
/// time ends without a word, or each of its kind would set another.
struct Alarm: Sendable {
    /// What a sleeper needs: how long, and what to ask with when it wakes.
    struct Setting: Hashable, Sendable {
        let wait: Duration
        fileprivate let number: UInt64
    }

    private var due: Duration?
    private var number: UInt64 = 0

    /// Starts without an alarm.
    init() {}

    /// Sets the alarm for that time; nil where there is nothing to wait for, or one rings by then.
    mutating func set(for wake: Duration?, now: Duration) -> Setting? {
        guard let wake else { return nil }
        if let due, due <= wake { return nil }
        due = wake
        number += 1
        return Setting(wait: wake - now, number: number)
    }

    /// Whether the sleeper's alarm is the last one that was set; then none is set any more.
    mutating func rings(_ setting: Setting) -> Bool {
        guard due != nil, setting.number == number else { return false }
        due = nil
        return true
    }
}
