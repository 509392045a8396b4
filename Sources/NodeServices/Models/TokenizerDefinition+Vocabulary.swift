public import Checkpoints
public import Tokenizers

extension TokenizerDefinition {
    /// Reads the vocabulary of a checkpoint, whichever form its file has.
    ///
    /// - Throws: `TokenizerError` when the tokenizer is of a kind that is not computed.
    public init(vocabulary: VocabularyFile) throws(TokenizerError) {
        switch vocabulary {
        case .huggingFace(let tokenizerJSON, let tokenizerConfigJSON):
            try self.init(
                tokenizerJSON: tokenizerJSON, tokenizerConfigJSON: tokenizerConfigJSON
            )
        case .gguf(let file):
            try self.init(
                ggufTokens: file.tokens,
                tokenTypes: file.tokenTypes,
                scores: file.scores,
                merges: file.merges,
                model: file.model,
                preTokenizer: file.preTokenizer,
                bosID: file.bosID,
                eosID: file.eosID,
                unknownID: file.unknownID,
                addsBOS: file.addsBOS,
                addsEOS: file.addsEOS,
                addsSpacePrefix: file.addsSpacePrefix,
                chatTemplate: file.chatTemplate
            )
        }
    }
}
