/// How far the members' states lie apart: sqrt(mean ||x_i - mean x||^2).
///
/// x is what the adapter does: the products B A of its pairs and its lone tensors. Nothing is
/// multiplied out: <B A, B' A'> is the sum over the entries of (B^T B') and (A A'^T), multiplied one
/// by one.
///
/// A node sees only what it averages. It takes that for a random sample of the federation: the sum
/// of squares over n - 1 states is the unbiased estimate of the variance, and (N - 1) / N of it that
/// over all N members.
///
/// Source: the measure of Kong et al. 2021, "Consensus Control for Decentralized Deep Learning", as
/// recalled; the Gram form and the estimate are derived here.
public struct ConsensusDistance: Hashable, Sendable {
    /// The distance, in the unit of the adapter's elements.
    public let value: Double
    /// The norm of the mean, for comparison.
    public let meanNorm: Double
    /// The states behind the estimate, this node's own among them if it has trained.
    public let sampleCount: Int

    /// Takes the fields.
    public init(value: Double, meanNorm: Double, sampleCount: Int) {
        self.value = value
        self.meanNorm = meanNorm
        self.sampleCount = sampleCount
    }

    /// The distance over the norm of the mean; `nil` where that is zero.
    public var relative: Double? { meanNorm > 0 ? value / meanNorm : nil }

    /// Estimates the distance from the states of a mean; an own one that is not trained yet is no
    /// member's word on anything and is left out.
    ///
    /// - Throws: the reason why a state can't be read.
    public init(
        of parts: [StateMix.Part], order: MixOrder, layout: AdapterLayout
    ) throws(RejectReason) {
        let counted = parts.filter { order.countsOwnState || $0.member != order.member }
        try self.init(
            of: counted.map(\.state), layout: layout, memberCount: order.memberCount)
    }

    /// Estimates the distance over a federation from some of its members' states.
    ///
    /// States must have that layout. With fewer than two the distance is 0.
    ///
    /// - Throws: the reason why a state can't be read.
    /// - Complexity: O(n^2 rank elements) for n states.
    public init(
        of states: [StateSource], layout: AdapterLayout, memberCount: Int
    ) throws(RejectReason) {
        let count = states.count
        let pairing = AdapterPairing(of: layout)
        var gram = [Double](repeating: 0, count: count * count)
        for pair in pairing.pairs {
            var factors: [FactorPair] = []
            for state in states { factors.append(try FactorPair(pair, in: state)) }
            Self.add(&gram, count) { factors[$0].inner(factors[$1]) }
        }
        for index in layout.entries.indices where pairing.role(of: index) == nil {
            var lone: [[Double]] = []
            for state in states { lone.append(try state.values(of: index).map(Double.init)) }
            Self.add(&gram, count) { left, right in
                ColumnMatrix.product(lone[left], 0, lone[right], 0, count: lone[left].count)
            }
        }
        var total = 0.0
        for entry in gram { total += entry }
        var own = 0.0
        for index in 0..<count { own += gram[index * count + index] }
        let size = Double(max(count, 1))
        let meanSquare = max(total / (size * size), 0)
        // Sum of ||x_i - mean||^2; rounding may take it below zero.
        let scatter = max(own - total / size, 0)
        let members = Double(max(memberCount, count))
        let variance = count < 2 ? 0 : scatter / (size - 1) * ((members - 1) / members)
        self.init(
            value: variance.squareRoot(), meanNorm: meanSquare.squareRoot(), sampleCount: count)
    }

    private static func add(
        _ gram: inout [Double], _ count: Int, _ inner: (Int, Int) -> Double
    ) {
        for left in 0..<count {
            for right in left..<count {
                let product = inner(left, right)
                gram[left * count + right] += product
                if right > left { gram[right * count + left] += product }
            }
        }
    }
}

extension FactorPair {
    /// <B A, B' A'>, the sum over all elements of both products multiplied one by one.
    func inner(_ other: FactorPair) -> Double {
        let left = output.transposedTimes(other.output)
        let right = input.transposedTimes(other.input)
        return ColumnMatrix.product(left.values, 0, right.values, 0, count: left.values.count)
    }
}
