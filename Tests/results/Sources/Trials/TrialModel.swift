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
        tokenizer = try Tokenizer(Self.definition(of: checkpoint.vocabulary))
        model = try CausalLanguageModel(source: checkpoint, options: ModelOptions())
    }

    var configuration: ModelConfiguration { model.configuration }

    private static func definition(
        of vocabulary: VocabularyFile
    ) throws -> TokenizerDefinition {
        switch vocabulary {
        case .huggingFace(let tokenizerJSON, let tokenizerConfigJSON):
            try TokenizerDefinition(
                tokenizerJSON: tokenizerJSON, tokenizerConfigJSON: tokenizerConfigJSON)
        case .gguf(let file):
            try TokenizerDefinition(
                ggufTokens: file.tokens, tokenTypes: file.tokenTypes, scores: file.scores,
                merges: file.merges, model: file.model, preTokenizer: file.preTokenizer,
                bosID: file.bosID, eosID: file.eosID, unknownID: file.unknownID,
                addsBOS: file.addsBOS, addsEOS: file.addsEOS,
                addsSpacePrefix: file.addsSpacePrefix, chatTemplate: file.chatTemplate)
        }
    }

    /// What makes rows of so many inputs of text files.
    func encoder(length: Int) -> ExampleEncoder {
        ExampleEncoder(
            tokenizer: tokenizer, rowTokenCountMax: length + 1,
            vocabularySize: configuration.vocabularySize)
    }
}
