public import Tensors

/// The factor mean of members with their own ranks, each padded with zeros, weighted by the norm of
/// what it learnt: ||B_k A_k||_F over the sum of all.
///
/// Tolerates no liar: a member chooses its norm, up to what the norm bound lets it add to the base.
/// Claims: equal whole updates give that update; a lone member's comes back, with zeros in the
/// directions that it lacks.
///
/// A member of rank r trains and runs the first r directions alone. The padding dilutes the
/// directions that few train.
///
/// Source: Cho et al. 2024, "Heterogeneous LoRA for Federated Fine-tuning of On-device Foundation
/// Models" (HetLoRA), the aggregation weighted by sparsity; reconstructed from descriptions.
///
/// ### Deviations
/// No pruning of ranks. Examples count only where every product is zero, and in lone tensors. With
/// `normalizesSteps` a member's change counts per step, not its state.
public struct NormWeightedMean: Aggregator {
    /// The name in the registry.
    public static let name = "hetlora"
    /// What the suite holds it to.
    public static let claims: AggregatorClaims = [
        .keepsEqualFactors, .keepsEqualProducts, .returnsLoneMember,
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

    /// The consensus without the directions beyond the member's rank.
    public static func start(
        from adapter: NamedTensors, selection: TensorSelection
    ) -> NamedTensors {
        var start = adapter
        for entry in selection.entries where entry.directions != nil {
            guard let old = adapter[entry.name] else { continue }
            var cut = FloatTensor(zeros: old.shape)
            var values = cut.values
            entry.held.forEach { _, whole, _ in values[whole] = old.values[whole] }
            cut.values = values
            start.replace(entry.name, with: cut)
        }
        return start
    }

    /// Keeps an update.
    public mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try held.add(update)
    }

    /// The weighted mean of the padded states, and the outer step.
    ///
    /// - Complexity: O(members x elements x rank).
    public func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        let state = try ConsensusState(base, layout: layout)
        var means = [[Double]?](repeating: nil, count: layout.entries.count)
        for (index, entry) in layout.entries.enumerated() where pairing.role(of: index) == nil {
            means[index] = loneMean(entry)
        }
        for pair in pairing.pairs {
            guard let mean = mean(of: pair, base: state.adapter) else { continue }
            let values = mean.tensorValues
            means[pair.input] = values.a
            means[pair.output] = values.b
        }
        let next = try OuterStep(held.manifest.aggregation).next(state, means: means)
        return Aggregate(
            sumDigest: held.digest, adapter: next.tensors)
    }

    /// The mean change of a pair against the whole base; `nil` if nobody holds it.
    private func mean(of pair: AdapterPairing.Pair, base: NamedTensors) -> FactorPair? {
        let old = FactorPair(pair, in: base)
        let names = [layout.entries[pair.input].name, layout.entries[pair.output].name]
        var members: [(trained: FactorPair, share: Double, scale: Double)] = []
        for parts in held.contributions(to: names) {
            guard let parts, let part = parts[0] ?? parts[1] else { continue }
            let directions = part.held.directions ?? Array(0..<pair.rank)
            var trained = FactorPair(zerosOf: pair)
            trained.copy(old, directions: directions)
            trained.add(
                1, FactorPair(pair, input: parts[0], output: parts[1]), directions: directions)
            members.append((trained, part.share, part.scale))
        }
        guard !members.isEmpty else { return nil }
        let norms = members.map(\.trained.productNorm)
        let total = norms.reduce(0, +)
        let all = Array(0..<pair.rank)
        var mean = FactorPair(zerosOf: pair)
        for (member, norm) in zip(members, norms) {
            let weight = (total > 0 ? norm / total : member.share) * member.scale
            mean.add(weight, member.trained, directions: all)
            mean.add(-weight, old, directions: all)
        }
        return mean
    }

    private func loneMean(_ entry: AdapterLayout.Entry) -> [Double]? {
        let parts = held.contributions(to: [entry.name]).compactMap { $0?[0] }
        guard !parts.isEmpty else { return nil }
        return HeldUpdates.mean(of: parts, count: entry.shape.elementCount)
    }
}

extension FactorPair {
    /// Takes another pair's columns in these directions.
    fileprivate mutating func copy(_ other: FactorPair, directions: [Int]) {
        for direction in directions {
            for row in 0..<output.rowCount {
                output[row, direction] = other.output[row, direction]
            }
            for row in 0..<input.rowCount {
                input[row, direction] = other.input[row, direction]
            }
        }
    }
}

extension HeldUpdates {
    /// The mean of whole lone tensors.
    static func mean(of parts: [Contribution], count: Int) -> [Double] {
        var mean = [Double](repeating: 0, count: count)
        for part in parts {
            for element in mean.indices {
                mean[element] += part.share * part.scale * part.delta[element]
            }
        }
        return mean
    }
}
