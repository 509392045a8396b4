/// The shares of some states in their mean: examples x 0.5^(age / half-life), divided by their sum.
///
/// The age counts rounds back from the newest round that is believed: the own one, or the lower
/// median of the others' where that is later and there are at least two others. One other's word
/// alone thus never ages what this node has trained, nor do fewer than half of more.
///
/// Only additions, multiplications, divisions and square roots in one fixed order: the same bits on
/// every machine.
public enum StalenessShares {
    /// What decides a state's share.
    public struct Part: Hashable, Sendable {
        /// The round that the state is of.
        public let round: UInt64
        /// The examples behind it.
        public let exampleCount: Int

        /// Pairs round and examples.
        public init(round: UInt64, exampleCount: Int) {
            self.round = round
            self.exampleCount = exampleCount
        }
    }

    /// The round that ages count from; `own` is `nil` for a node that has trained nothing yet and so
    /// has nothing to lose.
    public static func newestRound(own: UInt64?, others: [UInt64]) -> UInt64 {
        guard !others.isEmpty, own == nil || others.count >= 2 else { return own ?? 0 }
        return max(own ?? 0, others.sorted()[(others.count - 1) / 2])
    }

    /// The share of each part, in their order; zeros if no part has examples.
    public static func shares(
        of parts: [Part], newestRound: UInt64, halfLife: Int
    ) -> [Double] {
        let weights = parts.map { part in
            let age = newestRound > part.round ? newestRound - part.round : 0
            return Double(max(part.exampleCount, 0)) * factor(age: age, halfLife: halfLife)
        }
        var total = 0.0
        for weight in weights { total += weight }
        guard total > 0 else { return weights.map { _ in 0 } }
        return weights.map { $0 / total }
    }

    /// 0.5^(age / halfLife): whole half-lives by halving, the rest by the roots of one half.
    static func factor(age: UInt64, halfLife: Int) -> Double {
        let span = UInt64(max(halfLife, 1))
        // Beyond this nothing of a Double is left.
        guard age / span < 1000 else { return 0 }
        var factor = 1.0
        for _ in 0..<(age / span) { factor *= 0.5 }
        // The binary digits of the fraction, each with its root 2^-(1/2), 2^-(1/4), ...
        var fraction = Double(age % span) / Double(span)
        var root = 0.5
        while fraction > 0 {
            root = root.squareRoot()
            fraction *= 2
            if fraction >= 1 {
                factor *= root
                fraction -= 1
            }
        }
        return factor
    }
}
