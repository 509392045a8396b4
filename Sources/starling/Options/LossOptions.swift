internal import ArgumentParser
internal import Checkpoints
internal import Models
internal import Tokenizers
internal import Training

/// What is predicted, and what the model sees of it.
struct LossOptions: ParsableArguments {
    @Option(help: "Predict the answer only, or everything.")
    var lossOn: LossOption = .answer

    @Flag(
        name: .customLong("prefix-lm"),
        help: "Let the tokens before the first answer see one another, the later ones too."
    )
    var marksPrefixes = false

    func check() throws {
        if marksPrefixes, lossOn == .everything {
            throw ValidationError(
                "--prefix-lm shows the model all of the question, which then can't be predicted; "
                    + "leave out --loss-on everything."
            )
        }
    }

    /// What turns examples into rows for a model.
    func encoder(for loaded: LoadedModel, tokenCountMax: Int) -> ExampleEncoder {
        encoder(loaded.tokenizer, loaded.model.configuration, tokenCountMax: tokenCountMax)
    }

    /// What turns examples into rows for a model whose weights need not be there.
    func encoder(
        _ tokenizer: Tokenizer,
        _ configuration: ModelConfiguration,
        tokenCountMax: Int
    ) -> ExampleEncoder {
        ExampleEncoder(
            tokenizer: tokenizer,
            rowTokenCountMax: tokenCountMax,
            vocabularySize: configuration.vocabularySize,
            scope: lossOn.scope,
            marksPrefixes: marksPrefixes
        )
    }
}

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
