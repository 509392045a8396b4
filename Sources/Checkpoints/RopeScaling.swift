/// How rotary frequencies change for positions beyond those that a model was first trained on.
public enum RopeScaling: Hashable, Sendable {
    /// `rope_type` `linear`: every frequency is divided by `factor`.
    case linear(factor: Float)
    /// `rope_type` `llama3`: long waves are divided by `factor`, short ones stay, those between are
    /// blended.
    ///
    /// Source: the Llama 3.1 reference code, as `transformers` has it in `_compute_llama3_parameters`.
    case llama3(
        factor: Float, lowFrequencyFactor: Float, highFrequencyFactor: Float,
        originalPositionCount: Int)
    /// A GGUF file's `rope_freqs.weight`: each frequency is divided by its own factor.
    ///
    /// Shape: [D / 2].
    case divisors([Float])

    /// The greatest factor; published ones are below 100.
    static let factorMax: Float = 0x1p20

    /// Whether every angle that follows is a number: factors are from 1 to 2^20, divisors positive
    /// and as many as pairs of channels, and the blended waves an interval.
    public func isComputable(headDimension: Int) -> Bool {
        let factors = 1...Self.factorMax
        return switch self {
        case .linear(let factor):
            factors.contains(factor)
        case .llama3(let factor, let low, let high, let originalPositionCount):
            factors.contains(factor) && low > 0 && high > low && high <= Self.factorMax
                && (1...ModelConfiguration.extentMax).contains(originalPositionCount)
        case .divisors(let divisors):
            2 * divisors.count == headDimension
                && divisors.allSatisfy { (1 / Self.factorMax...Self.factorMax).contains($0) }
        }
    }
}
