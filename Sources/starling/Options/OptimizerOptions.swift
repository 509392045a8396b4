internal import ArgumentParser
internal import Training

/// How parameters are moved.
struct OptimizerOptions: ParsableArguments {
    @Option(
        help: """
            adamw: gradients by a backward pass. mezo: two forward passes a step and no gradients; \
            takes the memory of inference, and many more steps.
            """
    )
    var optimizer: OptimizerKind = .adamW

    @Option(
        help:
            "The peak of the learning rate; 1e-3 unless told otherwise, 5e-3 for READ, 1e-4 for mezo."
    )
    var learningRate: Double?

    @Option(help: "How far from the parameters --optimizer mezo takes the loss.")
    var perturbation = MeZO.perturbation

    @Option(help: "How the learning rate goes on after the warm-up: cosine, linear or constant.")
    var schedule: ScheduleOption = .cosine

    @Option(help: "Steps in which the learning rate rises.")
    var warmup = 0

    @Option(help: "Decoupled weight decay.")
    var weightDecay = 0.0

    @Option(
        name: [.customLong("max-grad-norm"), .customLong("clip")],
        help: "The bound of the gradient's norm; 0 for none."
    )
    var maxGradNorm = 1.0

    @Option(help: "The share of the adapter's inputs that each step leaves out at random.")
    var dropout = 0.0
}

/// The decay of the learning rate, as the command line has it.
enum ScheduleOption: String, CaseIterable, ExpressibleByArgument {
    case cosine, linear, constant

    /// What the settings are told.
    var decay: LearningRateSchedule.Decay {
        switch self {
        case .cosine: .cosine
        case .linear: .linear
        case .constant: .constant
        }
    }
}
