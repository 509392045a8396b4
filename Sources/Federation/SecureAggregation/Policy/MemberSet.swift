/// Members of a group as bits: bit i - 1 stands for the member with index i, 1...64.
public struct MemberSet: Hashable, Sendable {
    /// The bits.
    public private(set) var bits: UInt64

    /// Takes the bits.
    public init(bits: UInt64 = 0) {
        self.bits = bits
    }

    /// The members with those indices.
    public init(_ indices: some Sequence<Int>) {
        bits = 0
        for index in indices { insert(index) }
    }

    /// The members 1...count.
    public init(count: Int) {
        precondition((0...64).contains(count), "a group of \(count)")
        bits = count == 64 ? .max : (1 << UInt64(count)) - 1
    }

    /// How many there are.
    public var count: Int { bits.nonzeroBitCount }
    /// Whether there is none.
    public var isEmpty: Bool { bits == 0 }
    /// The indices in ascending order.
    public var indices: [Int] { (1...64).filter(contains) }

    /// Whether the member is in the set.
    public func contains(_ index: Int) -> Bool {
        (1...64).contains(index) && bits >> UInt64(index - 1) & 1 == 1
    }

    /// Adds a member.
    public mutating func insert(_ index: Int) {
        precondition((1...64).contains(index), "member \(index)")
        bits |= 1 << UInt64(index - 1)
    }

    /// Takes a member out.
    public mutating func remove(_ index: Int) {
        precondition((1...64).contains(index), "member \(index)")
        bits &= ~(1 << UInt64(index - 1))
    }

    /// Whether every member of this set is in the other.
    public func isSubset(of other: MemberSet) -> Bool { bits & ~other.bits == 0 }
    /// The members of both sets.
    public func intersection(_ other: MemberSet) -> MemberSet {
        MemberSet(bits: bits & other.bits)
    }
    /// The members of this set that are not in the other.
    public func subtracting(_ other: MemberSet) -> MemberSet {
        MemberSet(bits: bits & ~other.bits)
    }
}
