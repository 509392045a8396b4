internal import ArgumentParser
internal import Training

/// What is predicted in examples that have an answer, as the command line has it.
enum LossOption: String, CaseIterable, ExpressibleByArgument {
    case answer, everything

    /// What the encoder is told.
    var scope: ExampleEncoder.LossScope {
        switch self {
        case .answer: .answer
        case .everything: .everything
        }
    }
}
