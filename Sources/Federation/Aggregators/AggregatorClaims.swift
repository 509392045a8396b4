/// What an aggregator promises beyond what is always checked: non-finite values refused, shapes
/// matched, the same bytes twice, and no dependence on the order of updates.
public struct AggregatorClaims: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// Takes the bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Equal updates give that update, tensor by tensor.
    public static let keepsEqualFactors = AggregatorClaims(rawValue: 1)
    /// Equal updates give that update's products B A; the factors may differ.
    public static let keepsEqualProducts = AggregatorClaims(rawValue: 2)
    /// Where one member alone holds a tensor, the outcome is what that member trained, as far as
    /// it trained it.
    public static let returnsLoneMember = AggregatorClaims(rawValue: 4)
    /// The product of the outcome is the weighted mean of the members' products, up to the rank
    /// that travels.
    public static let averagesProducts = AggregatorClaims(rawValue: 8)
    /// Weights are the examples seen.
    public static let weighsExamples = AggregatorClaims(rawValue: 16)
}
