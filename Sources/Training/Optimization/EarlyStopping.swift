/// Says when a run no longer gets better on text that it does not learn from.
public struct EarlyStopping: Hashable, Sendable {
    /// How many evaluations in a row may bring nothing better; at least 1.
    public let patience: Int
    /// How many nats per token count as better.
    public let improvementMin: Double
    /// The lowest loss so far; infinite before the first.
    public private(set) var best = Double.infinity
    /// The evaluations since the lowest loss.
    public private(set) var sinceBest = 0

    /// Makes a rule.
    ///
    /// A thousandth of a nat is below what a reader of text would notice, and above
    /// what noise between two evaluations of the same text amounts to.
    public init(patience: Int, improvementMin: Double = 1e-3) {
        precondition(patience > 0, "a patience of \(patience) evaluations")
        self.patience = patience
        self.improvementMin = improvementMin
    }

    /// Takes up a rule where an earlier part of the run has left it.
    init(patience: Int, improvementMin: Double, best: Double, sinceBest: Int) {
        self.init(patience: patience, improvementMin: improvementMin)
        self.best = best
        self.sinceBest = sinceBest
    }

    /// Whether so many evaluations brought nothing better that the run is to stop.
    public var isExhausted: Bool { sinceBest >= patience }

    /// Takes in the loss of an evaluation and returns whether to stop.
    ///
    /// A loss that is not a number
    /// counts as worse.
    public mutating func observe(_ loss: Double) -> Bool {
        if loss < best - improvementMin {
            best = loss
            sinceBest = 0
        } else {
            sinceBest += 1
        }
        return isExhausted
    }
}
