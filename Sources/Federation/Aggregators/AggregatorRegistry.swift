/// The aggregators by name.
public enum AggregatorRegistry {
    /// One line for each.
    public static let all: [String: any Aggregator.Type] = [
        FactorMean.name: FactorMean.self
    ]
}
