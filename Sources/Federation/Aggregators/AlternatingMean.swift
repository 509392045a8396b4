public import Tensors

/// The mean of one half a round: B in odd rounds, A in even ones.
///
/// Tolerates what the factor mean does. Claims what that claims; the frozen half is the same
/// everywhere, so where all hold the same directions the mean of the products is exact. Half the
/// bytes and half the trained state of the factor mean. Needs what a federation has: one round
/// clock, and consensus on the frozen half.
///
/// Source: Chen et al. 2024, "Robust Federated Finetuning of LLMs via Alternating Optimization of
/// LoRA" (RoLoRA).
///
/// ### Deviations
/// B goes first, for A has no gradient while B is 0. Members of lower rank train the first
/// directions.
public struct AlternatingMean: LinearAggregator {
    /// The name in the registry.
    public static let name = "rolora"
    /// What the suite holds it to.
    public static let claims: AggregatorClaims = [
        .keepsEqualFactors, .keepsEqualProducts, .returnsLoneMember, .averagesProducts,
        .weighsExamples,
    ]

    private var mean: FactorMean

    /// As the factor mean.
    public static func holdsUpdates(under settings: Manifest.AggregationSettings) -> Bool {
        FactorMean.holdsUpdates(under: settings)
    }

    /// Starts with sums of zero.
    public init(manifest: Manifest, layout: AdapterLayout) {
        mean = FactorMean(manifest: manifest, layout: layout)
    }

    /// B in odd rounds, A in even ones.
    public static func trains(_ factor: AdapterFactor, inRound round: UInt64) -> Bool {
        factor == (round % 2 == 1 ? .output : .input)
    }

    /// Adds an update.
    public mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try mean.add(update)
    }

    /// Adds sums.
    public mutating func add(sums: RingSums) {
        mean.add(sums: sums)
    }

    /// The mean; the frozen half is as before.
    public func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        try mean.finish(base: base)
    }
}
