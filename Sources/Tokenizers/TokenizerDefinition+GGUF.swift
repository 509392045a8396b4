extension TokenizerDefinition {
    /// Makes a definition from the `tokenizer.*` metadata of a GGUF file.
    ///
    /// - Parameters:
    ///   - ggufTokens: the tokens, in the byte-level alphabet.
    ///   - tokenTypes: as many; 3 (control) is a special added token, 4 (user-defined) a plain one.
    ///   - model: must be `gpt2`.
    ///   - preTokenizer: `smollm`, `gpt-2`, `default`, `llama-bpe` or `qwen2`.
    /// - Throws: `unsupported` for another model or pre-tokenizer, `invalidField`.
    ///
    /// ### Deviations
    /// `default` is taken for GPT-2's pattern.
    public init(
        ggufTokens: [String],
        tokenTypes: [Int32],
        merges: [String],
        model: String,
        preTokenizer: String,
        bosID: Int?,
        eosID: Int?,
        addsBOS: Bool = false,
        chatTemplate: String?
    ) throws(TokenizerError) {
        guard model == "gpt2" else {
            throw .unsupported(
                item: "tokenizer.ggml.model",
                value: model,
                supported: "gpt2 (byte-level BPE)"
            )
        }
        guard tokenTypes.count == ggufTokens.count else {
            throw .invalidField(
                item: "tokenizer.ggml.token_type",
                expected: "a list as long as the tokens"
            )
        }
        var added: [AddedToken] = []
        for (id, type) in tokenTypes.enumerated() where type == 3 || type == 4 {
            added.append(AddedToken(id: id, content: ggufTokens[id], isSpecial: type == 3))
        }
        tokens = ggufTokens
        self.merges = merges
        addedTokens = added
        self.preTokenizer = try Self.preTokenizer(named: preTokenizer)
        ignoresMerges = self.preTokenizer == .llamaBPE
        unknownID = nil
        self.bosID = bosID
        self.eosID = eosID
        self.addsBOS = addsBOS
        self.chatTemplate = chatTemplate
    }

    private static func preTokenizer(
        named name: String
    ) throws(TokenizerError) -> PreTokenizer {
        switch name {
        case "gpt-2", "default": return .gpt2
        case "smollm": return .smollm
        case "llama-bpe", "llama3", "llama-v3": return .llamaBPE
        case "qwen2": return .qwen2
        default:
            throw .unsupported(
                item: "tokenizer.ggml.pre",
                value: name,
                supported: "smollm, gpt-2, default, llama-bpe or qwen2"
            )
        }
    }
}
