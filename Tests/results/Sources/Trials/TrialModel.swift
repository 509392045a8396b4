internal import Adapters
internal import Checkpoints
internal import Models
internal import Tokenizers
internal import Training

/// The frozen model that all nodes of a trial share.
struct TrialModel {
    let name: String
    let model: CausalLanguageModel
    let tokenizer: Tokenizer

    init(path: String) throws {
        let checkpoint = try ModelFiles.open(path: path)
        name = checkpoint.name
        tokenizer = try Tokenizer(TokenizerDefinition(vocabulary: checkpoint.vocabulary))
        model = try CausalLanguageModel(source: checkpoint, options: ModelOptions())
    }

    var configuration: ModelConfiguration { model.configuration }

    /// What makes rows of so many inputs of text files.
    func encoder(length: Int) -> ExampleEncoder {
        ExampleEncoder(
            tokenizer: tokenizer, rowTokenCountMax: length + 1,
            vocabularySize: configuration.vocabularySize)
    }
}
