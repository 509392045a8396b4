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
}
