/// The SplitMix64 generator: 64 bits of state, the same numbers on every machine and release.
///
/// The standard library does not promise how it turns random bits into a choice, so the choices
/// that decide batches and splits are made here.
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SplitMix64: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// Starts the sequence of a seed; every seed is good.
    public init(seed: UInt64) {
        state = seed
    }

    /// Starts the sequence of a seed and a stream number; streams of one seed are unrelated.
    public init(seed: UInt64, stream: UInt64) {
        var outer = SplitMix64(seed: seed)
        var inner = SplitMix64(seed: outer.next() ^ stream)
        state = inner.next()
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }

    /// A number in `0..<bound`, each equally likely.
    ///
    /// The upper half of a 128-bit product is the number; draws whose lower half falls into the
    /// uneven rest are thrown away.
    /// Source: Lemire, "Fast random integer generation in an interval", TOMACS 2019.
    public mutating func number(below bound: Int) -> Int {
        precondition(bound > 0, "no number lies below \(bound)")
        let range = UInt64(bound)
        let uneven = (0 &- range) % range
        while true {
            let product = next().multipliedFullWidth(by: range)
            if product.low >= uneven { return Int(product.high) }
        }
    }

    /// A number in [0, 1) with 53 random bits.
    public mutating func fraction() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// The numbers `0..<count` in random order.
    ///
    /// Source: Fisher and Yates in Durstenfeld's form, from the last place to the first.
    public mutating func permutation(of count: Int) -> [Int] {
        var order = Array(0..<max(count, 0))
        for last in order.indices.dropFirst().reversed() {
            order.swapAt(last, number(below: last + 1))
        }
        return order
    }
}
