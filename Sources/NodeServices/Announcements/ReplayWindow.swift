/// Which of an author's sequence numbers have been taken: the greatest, and which of the 63 below.
///
/// Messages may overtake each other on their way, so a lower number is taken once; what is further
/// back is old, and counts as taken.
struct ReplayWindow: Hashable, Sendable {
    private static let width: UInt64 = 64

    /// The greatest number that was taken.
    private(set) var highest: UInt64
    /// Bit i is set if `highest - i` was taken.
    private var taken: UInt64

    /// Begins with a first number.
    init(first: UInt64) {
        highest = first
        taken = 1
    }

    /// Goes on after a restart: everything up to a number counts as taken.
    init(restored highest: UInt64) {
        self.highest = highest
        taken = .max
    }

    /// Takes a number; false if it was taken before or is too old to tell.
    mutating func take(_ number: UInt64) -> Bool {
        guard number <= highest else {
            let step = number - highest
            taken = step >= Self.width ? 0 : taken << step
            taken |= 1
            highest = number
            return true
        }
        let age = highest - number
        guard age < Self.width, taken & (1 << age) == 0 else { return false }
        taken |= 1 << age
        return true
    }
}
