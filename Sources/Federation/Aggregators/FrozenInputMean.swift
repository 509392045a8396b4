public import Tensors

/// The mean of the B halves alone: A stays what the manifest's seed drew.
///
/// Tolerates what the factor mean does: a member moves B by at most its share of the weight times
/// the norm bound. Claims what that claims; and since A is the same everywhere, where all hold the
/// same directions the mean of B gives the mean of the products exactly.
///
/// Source: Sun et al. 2024, "Improving LoRA in Privacy-preserving Federated Learning" (FFA-LoRA).
///
/// ### Deviations
/// Members of lower rank train the first directions of B; the source knows one rank.
public struct FrozenInputMean: LinearAggregator {
    /// The name in the registry.
    public static let name = "ffa"
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

    /// B only.
    public static func trains(_ factor: AdapterFactor, inRound round: UInt64) -> Bool {
        factor == .output
    }

    /// Adds an update.
    public mutating func add(_ update: AdapterUpdate) throws(RejectReason) {
        try mean.add(update)
    }

    /// Adds sums.
    public mutating func add(sums: RingSums) {
        mean.add(sums: sums)
    }

    /// The mean; A is as before.
    public func finish(base: NamedTensors) throws(RejectReason) -> Aggregate {
        try mean.finish(base: base)
    }
}
