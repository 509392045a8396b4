/// What one optimizer step did.
public struct StepReport: Hashable, Sendable {
    /// The step, counted from 1.
    public let step: Int
    /// The mean loss in nats per predicted token, before the step.
    public let loss: Double
    /// The tokens that were predicted.
    public let targetCount: Int
    /// The tokens that went into the model, padding not counted; for tokens per second.
    public let tokenCount: Int
    /// The rows of the batch.
    public let exampleCount: Int
    /// The rate that the step was taken with.
    public let learningRate: Double
    /// The norm of the gradient before it was clipped; with ``MeZO`` the slope along its direction.
    public let gradientNorm: Double
}
