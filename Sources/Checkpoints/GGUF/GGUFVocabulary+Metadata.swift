extension GGUFVocabulary {
    /// Reads the `tokenizer.*` keys.
    init(_ metadata: GGUFMetadata, tokenCount: Int) throws(CheckpointError) {
        let tokensKey = "tokenizer.ggml.tokens"
        let tokens = try metadata.required(tokensKey, try metadata.strings(tokensKey))
        guard tokens.count <= tokenCount else {
            throw metadata.error(
                tokensKey,
                .outOfRange(
                    value: "\(tokens.count) tokens",
                    expected: "as many as the \(tokenCount) rows of token_embd.weight"
                )
            )
        }
        let typesKey = "tokenizer.ggml.token_type"
        let types =
            try metadata.integers(typesKey) ?? [Int64](repeating: 1, count: tokens.count)
        guard types.count == tokens.count, types.allSatisfy({ (0...6).contains($0) }) else {
            throw metadata.error(
                typesKey,
                .outOfRange(
                    value: "\(types.count) types",
                    expected: "\(tokens.count) types from 0 to 6"
                )
            )
        }
        func id(_ key: String) throws(CheckpointError) -> Int? {
            guard let value = try metadata.integer(key) else { return nil }
            guard value >= 0, value < Int64(tokens.count) else {
                throw metadata.error(
                    key,
                    .outOfRange(value: "\(value)", expected: "an ID below \(tokens.count)")
                )
            }
            return Int(value)
        }
        let modelKey = "tokenizer.ggml.model"
        self.init(
            model: try metadata.required(modelKey, try metadata.string(modelKey)),
            preTokenizer: try metadata.string("tokenizer.ggml.pre") ?? "default",
            tokens: tokens,
            tokenTypes: types.map { Int32($0) },
            scores: try Self.scores(metadata, tokenCount: tokens.count),
            merges: try metadata.strings("tokenizer.ggml.merges") ?? [],
            bosID: try id("tokenizer.ggml.bos_token_id"),
            eosID: try id("tokenizer.ggml.eos_token_id"),
            unknownID: try id("tokenizer.ggml.unknown_token_id"),
            paddingID: try id("tokenizer.ggml.padding_token_id"),
            addsBOS: try metadata.bool("tokenizer.ggml.add_bos_token"),
            addsEOS: try metadata.bool("tokenizer.ggml.add_eos_token") ?? false,
            addsSpacePrefix: try metadata.bool("tokenizer.ggml.add_space_prefix") ?? true,
            chatTemplate: try metadata.string("tokenizer.chat_template")
        )
    }

    private static func scores(
        _ metadata: GGUFMetadata,
        tokenCount: Int
    ) throws(CheckpointError) -> [Float] {
        let key = "tokenizer.ggml.scores"
        switch metadata.values[key] {
        case nil: return []
        case .floats(let scores):
            guard scores.count == tokenCount else {
                throw metadata.error(
                    key,
                    .outOfRange(value: "\(scores.count) scores", expected: "\(tokenCount) scores")
                )
            }
            return scores.map { Float($0) }
        case .some(let other):
            throw metadata.error(
                key, .wrongType(expected: "an array of numbers", actual: other.kind)
            )
        }
    }
}
