/// Negative log-likelihoods added over positions; sums of sums stay exact means.
public struct LossSum: Hashable, Sendable {
    /// The summed loss in nats.
    public var nats: Double
    /// The positions that were added.
    public var tokenCount: Int

    /// Makes a sum, empty unless told otherwise.
    public init(nats: Double = 0, tokenCount: Int = 0) {
        self.nats = nats
        self.tokenCount = tokenCount
    }

    /// Nats per position; 0 where none was added.
    public var mean: Double { tokenCount == 0 ? 0 : nats / Double(tokenCount) }

    /// Adds two sums.
    public static func + (left: LossSum, right: LossSum) -> LossSum {
        LossSum(nats: left.nats + right.nats, tokenCount: left.tokenCount + right.tokenCount)
    }

    /// Adds the right sum to the left one.
    public static func += (left: inout LossSum, right: LossSum) {
        left = left + right
    }
}
