/// Which two tokens become which, and how early: a hash table with open addresses.
///
/// An entry is one word, the pair and its rank; the tokens that pairs become lie apart, by rank.
struct MergeTable {
    /// Entries or `empty`; their number is a power of two.
    private var slots: [UInt64]
    /// What the pair of each rank becomes.
    private var joined: [Int32] = []

    private static let empty = UInt64.max
    private static let idBits = 20
    private static let rankBits = 21
    /// The rank of pairs that don't merge.
    static let noRank = Int32.max

    init(reservingCount count: Int) {
        slots = [UInt64](repeating: Self.empty, count: HashSeed.slotCount(count))
        joined.reserveCapacity(count)
    }

    var count: Int { joined.count }

    /// Adds the pair of the next rank; false if the pair has a rank already.
    ///
    /// - Precondition: no more pairs than were reserved, IDs below 2²⁰ and ranks below 2²¹.
    mutating func append(_ left: Int32, _ right: Int32, becomes id: Int32) -> Bool {
        precondition(joined.count < 1 << Self.rankBits && 4 * joined.count < 3 * slots.count)
        let (slot, isFound) = find(left, right)
        if isFound { return false }
        slots[slot] = Self.pair(left, right) << Self.rankBits | UInt64(joined.count)
        joined.append(id)
        return true
    }

    /// The rank of a pair, or `noRank`.
    func rank(_ left: Int32, _ right: Int32) -> Int32 {
        let (slot, isFound) = find(left, right)
        return isFound ? Int32(slots[slot] & (1 << Self.rankBits - 1)) : Self.noRank
    }

    /// What the pair of a rank becomes.
    func id(rank: Int32) -> Int32 { joined[Int(rank)] }

    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(left)) << idBits | UInt64(UInt32(right))
    }

    private func find(_ left: Int32, _ right: Int32) -> (slot: Int, isFound: Bool) {
        let pair = Self.pair(left, right)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: HashSeed.mix(pair &+ HashSeed.value)) & mask
        while slots[slot] != Self.empty {
            if slots[slot] >> Self.rankBits == pair { return (slot, true) }
            slot = (slot + 1) & mask
        }
        return (slot, false)
    }
}
