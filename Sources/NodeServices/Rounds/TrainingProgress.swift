/// How far a round's training is.
struct TrainingProgress: Hashable, Sendable {
    /// The round.
    let round: UInt64
    /// Optimizer steps of the round that are done.
    let step: Int
    /// Optimizer steps of a full round.
    let stepCount: Int
    /// Nats per predicted token of the last step.
    let loss: Double
    /// Smoothed seconds of a step.
    let secondsPerStep: Double
    /// Tokens of the last step by its seconds.
    let tokensPerSecond: Double
    /// What is trained.
    let part: TrainedPart
}
