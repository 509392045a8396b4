/// The model types whose `config.json` is read, with what their configuration classes in
/// `transformers` take for absent keys.
struct ModelType {
    /// What decides on a sliding window.
    enum WindowRule {
        /// There is none.
        case none
        /// `sliding_window` alone; 4096 where the key is absent, none where it is `null`.
        case always
        /// `use_sliding_window` first, which is off where the key is absent.
        case switched
    }

    /// `model_type`.
    let name: String
    /// The one entry of `architectures`.
    let className: String
    /// `max_position_embeddings`.
    let positionCountMax: Int
    /// `num_key_value_heads`; `nil` for as many as query heads.
    let keyValueHeadCount: Int?
    /// `head_dim`; `nil` for the width divided among the query heads.
    let headDimension: Int?
    let windowRule: WindowRule
    /// Whether queries, keys and values always have biases.
    let hasAttentionBiases: Bool
    /// Whether queries and keys are always normed.
    let normalizesQueriesAndKeys: Bool

    /// In ascending order of their names.
    static let all = [
        ModelType(
            name: "llama",
            className: "LlamaForCausalLM",
            positionCountMax: 2048,
            keyValueHeadCount: nil,
            headDimension: nil,
            windowRule: .none,
            hasAttentionBiases: false,
            normalizesQueriesAndKeys: false
        ),
        ModelType(
            name: "mistral",
            className: "MistralForCausalLM",
            positionCountMax: 131_072,
            keyValueHeadCount: 8,
            headDimension: nil,
            windowRule: .always,
            hasAttentionBiases: false,
            normalizesQueriesAndKeys: false
        ),
        ModelType(
            name: "qwen2",
            className: "Qwen2ForCausalLM",
            positionCountMax: 32_768,
            keyValueHeadCount: 32,
            headDimension: nil,
            windowRule: .switched,
            hasAttentionBiases: true,
            normalizesQueriesAndKeys: false
        ),
        ModelType(
            name: "qwen3",
            className: "Qwen3ForCausalLM",
            positionCountMax: 32_768,
            keyValueHeadCount: 32,
            headDimension: 128,
            windowRule: .switched,
            hasAttentionBiases: false,
            normalizesQueriesAndKeys: true
        ),
    ]

    /// All names as a message lists them.
    static var supportedNames: String {
        all.dropLast().map { "\"\($0.name)\"" }.joined(separator: ", ")
            + " or \"\(all.last?.name ?? "")\""
    }
}
