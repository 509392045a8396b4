/// The aggregators by name.
public enum AggregatorRegistry {
    /// One line for each.
    public static let all: [String: any Aggregator.Type] = [
        FactorMean.name: FactorMean.self,
        FrozenInputMean.name: FrozenInputMean.self,
        AlternatingMean.name: AlternatingMean.self,
        NormWeightedMean.name: NormWeightedMean.self,
        SpectralMean.name: SpectralMean.self,
        SketchedMean.name: SketchedMean.self,
    ]

    /// The names in order.
    public static var names: [String] { all.keys.sorted() }
}
