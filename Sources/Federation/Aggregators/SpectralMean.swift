internal import Cryptography
public import Tensors

/// The weighted mean of the members' products B A, cut to the wire rank by singular values.
///
/// Every node holds the same balanced pair of rank R per projection, whatever rank it can train:
/// with sigma, U, V of the mean, B = U sqrt(sigma) and A = sqrt(sigma) V^T. A member trains some of
/// the R directions, drawn from manifest, round, member and pair; the others stay in its forward
/// product, frozen. Who lacks a pair does not count for it.
///
/// Tolerates no liar beyond the norm bound: a member moves the mean product by at most its share
/// times what a bounded change of both factors can do. Claims: equal updates give that update's
/// product, a lone member's product comes back, products are averaged up to the rank that travels,
/// what is cut is reported. The factors themselves are another basis each round, so moments do not
/// survive it; ``BasisChange`` carries over what has to.
///
/// With g the mean change of the product and m the outer momentum, another pair of rank R:
/// m' = beta m + g, next = B A + eta (g + beta m'), where
/// g = dB A + B dA + sum_j c_j dB_j dA_j, dB = sum_j c_j dB_j, dA likewise, and c_j a member's share
/// times FedNova's factor. Nothing is multiplied out: see ``LowRankSum``.
///
/// A direction whose singular value is below 1e-6 of the greatest starts again: B's column 0, A's
/// row uniform in (-1/sqrt(input), 1/sqrt(input)) from the manifest's seed, the round, the pair and
/// the direction.
///
/// Source: not a published method. The average of products with truncation is DeCAF's and
/// FlexLoRA's, the factored decomposition FLoRIST's, training a selection against a frozen rest
/// Fed-PLoRA's; all three are reconstructed from descriptions. What supports it is the simulation in
/// docs/decisions/0010-mean-of-products.md.
public struct SpectralMean: Aggregator {
    /// The name in the registry.
    public static let name = "spectral"
    /// What the suite holds it to.
    public static let claims: AggregatorClaims = [
        .keepsEqualProducts, .returnsLoneMember, .averagesProducts, .weighsExamples,
    ]

    private let layout: AdapterLayout
    private let pairing: AdapterPairing
    private var held: HeldUpdates

    /// Starts without updates.
    public init(manifest: Manifest, layout: AdapterLayout) {
        self.layout = layout
        pairing = AdapterPairing(of: layout)
        held = HeldUpdates(manifest: manifest, layout: layout)
    }

    /// Directions in random order, as many as asked for.
    public static func directions(
        _ count: Int, of pair: AdapterPairing.Pair, draw: DirectionDraw
    ) -> [Int] {
        var generator = draw.generator(for: pair)
        let order = generator.permutation(of: pair.rank)
        return order.prefix(max(count, 0)).sorted()
    }

    /// Keeps an update.
    public mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try held.add(update)
    }

    /// The mean of the products, truncated and balanced, and the outer step.
    ///
    /// - Complexity: for each pair O((output + input) s^2 + s^3) with s twice the wire rank and the
    ///   directions that the members trained, or the sides where they are shorter.
    public func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        var means = [[Double]?](repeating: nil, count: layout.entries.count)
        for (index, entry) in layout.entries.enumerated() where pairing.role(of: index) == nil {
            let parts = held.contributions(to: [entry.name]).compactMap { $0?[0] }
            guard !parts.isEmpty else { continue }
            means[index] = HeldUpdates.mean(of: parts, count: entry.shape.elementCount)
        }
        let step = ProductStep(
            manifest: held.manifest, layout: layout, round: held.updates.first?.round ?? 0)
        let next = try step.next(base, means: means) { pair, old in
            let members = members(of: pair)
            guard !members.isEmpty else { return nil }
            return Change(pair: pair, base: old, members: members)
        }
        return Aggregate(
            sumDigest: held.digest, adapter: next.tensors, droppedEnergy: next.droppedEnergy)
    }

    private func members(of pair: AdapterPairing.Pair) -> [Change.Member] {
        let names = [layout.entries[pair.input].name, layout.entries[pair.output].name]
        return held.contributions(to: names).compactMap { parts in
            guard let parts, let part = parts[0] ?? parts[1] else { return nil }
            return Change.Member(
                factor: part.share * part.scale,
                delta: FactorPair(pair, input: parts[0], output: parts[1]),
                directions: part.held.directions ?? Array(0..<pair.rank))
        }
    }
}

extension SpectralMean {
    /// g = dB A + B dA + sum_j c_j dB_j dA_j, as terms of low rank.
    struct Change: ProductChange {
        struct Member {
            /// c_j.
            let factor: Double
            /// The columns that were trained.
            let delta: FactorPair
            let directions: [Int]
        }

        private let base: FactorPair
        private let members: [Member]
        private var mean: FactorPair

        init(pair: AdapterPairing.Pair, base: FactorPair, members: [Member]) {
            self.base = base
            self.members = members
            mean = FactorPair(zerosOf: pair)
            for member in members {
                mean.add(member.factor, member.delta, directions: member.directions)
            }
        }

        /// Adds a factor times g.
        func add(to sum: inout LowRankSum, factor: Double) {
            sum.add(factor, base.output, mean.input)
            addRest(to: &sum, factor: factor)
        }

        /// Adds B A and a factor times g, where B (A + factor dA) is one term.
        func addWithBase(to sum: inout LowRankSum, factor: Double) {
            var input = base.input
            for index in input.values.indices {
                input.values[index] += factor * mean.input.values[index]
            }
            sum.add(1, base.output, input)
            addRest(to: &sum, factor: factor)
        }

        private func addRest(to sum: inout LowRankSum, factor: Double) {
            sum.add(factor, mean.output, base.input)
            for member in members {
                sum.add(factor * member.factor, member.delta.output, member.delta.input)
            }
        }
    }
}
