/// A model on disk: its weights, its configuration and its vocabulary.
public protocol ModelCheckpoint: TensorSource {
    /// The vocabulary as the file holds it, for a tokenizer to read.
    var vocabulary: VocabularyFile { get }

    /// What the file calls the model, or the last component of its path.
    var name: String { get }
}

/// A vocabulary in the form that its file has.
public enum VocabularyFile: Hashable, Sendable {
    /// `tokenizer.json` and, if there is one, `tokenizer_config.json`. A chat template from
    /// `chat_template.jinja` has been placed in the latter.
    case huggingFace(tokenizerJSON: [UInt8], tokenizerConfigJSON: [UInt8]?)
    /// The `tokenizer.*` keys of a GGUF file.
    case gguf(GGUFVocabulary)
}

/// The `tokenizer.*` metadata of a GGUF file.
public struct GGUFVocabulary: Hashable, Sendable {
    /// `tokenizer.ggml.model`: `gpt2` for byte-level BPE, `llama` for SentencePiece BPE.
    public var model: String
    /// `tokenizer.ggml.pre`: which way of splitting text, as in `smollm`; `default` where absent.
    public var preTokenizer: String
    /// `tokenizer.ggml.tokens`; a token's index is its ID.
    public var tokens: [String]
    /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused,
    /// 6 byte; as many as tokens.
    public var tokenTypes: [Int32]
    /// `tokenizer.ggml.scores`: the greater, the earlier is a token made; as many as tokens, or none.
    public var scores: [Float]
    /// `tokenizer.ggml.merges`: two tokens with a space between them, best first.
    public var merges: [String]
    /// `tokenizer.ggml.bos_token_id`.
    public var bosID: Int?
    /// `tokenizer.ggml.eos_token_id`.
    public var eosID: Int?
    /// `tokenizer.ggml.unknown_token_id`.
    public var unknownID: Int?
    /// `tokenizer.ggml.padding_token_id`.
    public var paddingID: Int?
    /// `tokenizer.ggml.add_bos_token`; `nil` if the file doesn't say.
    public var addsBOS: Bool?
    /// `tokenizer.ggml.add_eos_token`.
    public var addsEOS: Bool
    /// `tokenizer.ggml.add_space_prefix`: whether SentencePiece text begins with a space; true
    /// where absent.
    public var addsSpacePrefix: Bool
    /// `tokenizer.chat_template`: Jinja text.
    public var chatTemplate: String?

    /// Makes a vocabulary from its keys.
    public init(
        model: String,
        preTokenizer: String,
        tokens: [String],
        tokenTypes: [Int32],
        scores: [Float] = [],
        merges: [String],
        bosID: Int? = nil,
        eosID: Int? = nil,
        unknownID: Int? = nil,
        paddingID: Int? = nil,
        addsBOS: Bool? = nil,
        addsEOS: Bool = false,
        addsSpacePrefix: Bool = true,
        chatTemplate: String? = nil
    ) {
        self.model = model
        self.preTokenizer = preTokenizer
        self.tokens = tokens
        self.tokenTypes = tokenTypes
        self.scores = scores
        self.merges = merges
        self.bosID = bosID
        self.eosID = eosID
        self.unknownID = unknownID
        self.paddingID = paddingID
        self.addsBOS = addsBOS
        self.addsEOS = addsEOS
        self.addsSpacePrefix = addsSpacePrefix
        self.chatTemplate = chatTemplate
    }
}
