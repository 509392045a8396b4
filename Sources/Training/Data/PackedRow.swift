/// Texts that fill one sequence of a batch, one after another, without seeing each other.
public struct PackedRow: Hashable, Sendable {
    /// The texts in their order; at least one.
    public let texts: [TokenRow]

    /// Puts texts behind one another.
    public init(texts: [TokenRow]) {
        precondition(!texts.isEmpty, "a sequence without a text")
        self.texts = texts
    }

    /// The number of positions that the model computes.
    public var inputCount: Int { texts.reduce(0) { $0 + $1.inputCount } }

    /// The number of tokens to predict.
    public var targetCount: Int { texts.reduce(0) { $0 + $1.targetCount } }
}
