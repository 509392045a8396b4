extension TokenizerDefinition {
    /// Makes a definition from the `tokenizer.*` metadata of a GGUF file.
    ///
    /// - Parameters:
    ///   - ggufTokens: the tokens, in the byte-level alphabet for `gpt2` and in characters for
    ///     `llama`.
    ///   - tokenTypes: as many; 3 (control) is a special added token, 4 (user-defined) a plain one,
    ///     and for `llama` 2 (unknown), 5 (unused) and 6 (byte) have no part in merges.
    ///   - scores: as many for `llama`; not used for `gpt2`.
    ///   - merges: those of `gpt2`; not used for `llama`, whose scores say the same.
    ///   - model: `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).
    ///   - preTokenizer: for `gpt2`: `smollm`, `gpt-2`, `default`, `llama-bpe` or `qwen2`; for
    ///     `llama`: `default`.
    ///   - addsBOS: `nil` if the file doesn't say; then it is true for `llama` and `llama-bpe`.
    ///   - addsSpacePrefix: whether text begins with a space for `llama`.
    /// - Throws: `unsupported` for another model or pre-tokenizer, `invalidField`.
    ///
    /// ### Deviations
    /// `default` is taken for GPT-2's pattern. The files don't say that Qwen 2 normalizes text, so
    /// its pattern brings the normalization with it.
    public init(
        ggufTokens: [String],
        tokenTypes: [Int32],
        scores: [Float] = [],
        merges: [String],
        model: String,
        preTokenizer: String,
        bosID: Int?,
        eosID: Int?,
        unknownID: Int? = nil,
        addsBOS: Bool? = nil,
        addsEOS: Bool = false,
        addsSpacePrefix: Bool = true,
        chatTemplate: String?
    ) throws(TokenizerError) {
        guard model == "gpt2" || model == "llama" else {
            throw .unsupported(
                item: "tokenizer.ggml.model",
                value: model,
                supported: "gpt2 (byte-level BPE) or llama (SentencePiece BPE)"
            )
        }
        guard tokenTypes.count == ggufTokens.count else {
            throw .invalidField(
                item: "tokenizer.ggml.token_type",
                expected: "a list as long as the tokens"
            )
        }
        let isLlama = model == "llama"
        tokens = ggufTokens
        addedTokens = []
        for (id, type) in tokenTypes.enumerated()
        where type == 3 || type == 4 || isLlama && type == 2 {
            addedTokens.append(
                AddedToken(id: id, content: ggufTokens[id], isSpecial: type != 4)
            )
        }
        self.bosID = bosID
        self.eosID = eosID
        self.addsEOS = addsEOS
        self.chatTemplate = chatTemplate
        if isLlama {
            try Self.checkLlama(preTokenizer, ggufTokens, scores)
            self.merges = try ScoredMerges.merges(tokens: ggufTokens, scores: scores) {
                // Text has no spaces when it is merged, only marks.
                tokenTypes[$0] == 1 || tokenTypes[$0] == 4 && !ggufTokens[$0].contains(" ")
            }
            self.preTokenizer = .whole
            ignoresMerges = false
            self.unknownID = unknownID ?? tokenTypes.firstIndex(of: 2)
            self.addsBOS = addsBOS ?? true
            readSentencePiece(addsSpacePrefix: addsSpacePrefix)
        } else {
            self.merges = merges
            self.preTokenizer = try Self.preTokenizer(named: preTokenizer)
            ignoresMerges = self.preTokenizer == .llamaBPE
            self.unknownID = nil
            self.addsBOS = addsBOS ?? (self.preTokenizer == .llamaBPE)
            if self.preTokenizer == .qwen2 { normalization = [.nfc] }
        }
    }

    private static func checkLlama(
        _ preTokenizer: String,
        _ tokens: [String],
        _ scores: [Float]
    ) throws(TokenizerError) {
        guard preTokenizer == "default" else {
            throw .unsupported(
                item: "tokenizer.ggml.pre of a llama vocabulary",
                value: preTokenizer,
                supported: "default"
            )
        }
        guard scores.count == tokens.count, scores.allSatisfy(\.isFinite) else {
            throw .invalidField(
                item: "tokenizer.ggml.scores",
                expected: "a list of numbers as long as the tokens"
            )
        }
    }

    /// What `transformers` makes of each SentencePiece vocabulary.
    private mutating func readSentencePiece(addsSpacePrefix: Bool) {
        let mark = "\u{2581}"
        normalization = addsSpacePrefix ? [.prepend(mark)] : []
        normalization.append(.replace(.init(pattern: " ", content: mark)))
        var decoding = CharacterSpelling.Decoding()
        decoding.replacements = [.init(pattern: mark, content: " ")]
        decoding.joinsByteTokens = true
        if addsSpacePrefix {
            decoding.strippedCharacter = " "
            decoding.strippedCountMax = 1
        }
        characters = CharacterSpelling(
            hasByteFallback: true, fusesUnknown: true, decoding: decoding
        )
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
