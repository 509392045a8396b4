internal import Foundation
internal import Tensors
internal import Training

/// Chooses a token by its logit.
struct TokenSampler {
    /// 0 for the likeliest token; else what logits are divided by before the softmax.
    let temperature: Double
    private var generator: SplitMix64

    init(temperature: Double, seed: UInt64) {
        self.temperature = temperature
        generator = SplitMix64(seed: seed)
    }

    /// Chooses; among equal logits the lowest token is the likeliest.
    mutating func token(for logits: [Float]) -> Int {
        guard let top = Self.largest(1, of: logits).first else { return 0 }
        guard temperature > 0 else { return top.token }
        let weights = logits.map { exp((Double($0) - Double(top.logit)) / temperature) }
        var rest = generator.fraction() * weights.reduce(0, +)
        for (token, weight) in weights.enumerated() {
            rest -= weight
            if rest < 0 { return token }
        }
        return top.token
    }

    /// The tokens with the largest logits, largest first, the lower token first among equals.
    ///
    /// - Complexity: O(n log n).
    static func largest(_ count: Int, of logits: [Float]) -> [(token: Int, logit: Float)] {
        if count == 1 {
            var best = 0
            for (token, logit) in logits.enumerated() where logit > logits[best] {
                best = token
            }
            return logits.isEmpty ? [] : [(best, logits[best])]
        }
        let order = logits.indices.sorted {
            logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1
        }
        return order.prefix(count).map { ($0, logits[$0]) }
    }
}
