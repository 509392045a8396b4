internal import Tensors

/// What an optimizer step drops: an equal share everywhere, another choice each step.
///
/// Sequences are numbered through the step, so a step that passes the model in several batches
/// drops what it would drop in one.
public struct DropoutPlan: Hashable, Sendable {
    /// p: the share that is dropped, from 0 to below 1.
    public let probability: Double
    /// The number of the batch's first sequence within the step.
    public let firstSequence: Int
    /// What seed and step decide.
    let key: UInt64

    /// Makes the plan of a batch.
    ///
    /// - Parameters:
    ///   - seed: that of the run.
    ///   - step: the optimizer step, from 0.
    ///   - firstSequence: the sequences of the step's batches before this one.
    public init(probability: Double, seed: UInt64, step: Int, firstSequence: Int = 0) {
        precondition(
            probability >= 0 && probability < 1 && step >= 0 && firstSequence >= 0,
            "p \(probability) in step \(step), from sequence \(firstSequence)"
        )
        self.probability = probability
        self.firstSequence = firstSequence
        var generator = SplitMix64(seed: seed ^ Self.purpose, stream: UInt64(step))
        key = generator.next()
    }

    /// Keeps these draws apart from others of the run's seed; "dropout1" in ASCII.
    private static let purpose: UInt64 = 0x6472_6F70_6F75_7431
}
