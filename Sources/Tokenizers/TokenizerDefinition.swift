/// Everything that a BPE tokenizer is made of, as a value that can be stored.
///
/// It comes from a `tokenizer.json` or from GGUF metadata; both give the same definition for the
/// same tokenizer, apart from what GGUF doesn't record. Making a ``Tokenizer`` checks the
/// definition as a whole, since a stored one may have been changed.
public struct TokenizerDefinition: Hashable, Sendable {
    /// How text is cut before its parts are merged.
    public enum PreTokenizer: String, Codable, Hashable, Sendable, CaseIterable {
        /// GPT-2's pattern.
        case gpt2 = "gpt-2"
        /// Every digit alone, then GPT-2's pattern.
        case smollm
        /// Llama 3's pattern: up to three digits together.
        case llamaBPE = "llama-bpe"
        /// Qwen 2's pattern: every digit alone.
        case qwen2
        /// Nothing is cut; ``CharacterSpelling/metaspace`` may do so.
        case whole
    }

    /// A token that is found in the text itself, before anything else is done with it.
    public struct AddedToken: Hashable, Sendable {
        /// The ID.
        public var id: Int
        /// The text.
        public var content: String
        /// Whether the token steers the model, and is not text.
        public var isSpecial: Bool
        /// Whether the token is found in normalized text, its own text being normalized, too.
        public var isNormalized: Bool
        /// Whether the token takes the white space before it.
        public var stripsLeft: Bool
        /// Whether the token takes the white space behind it.
        public var stripsRight: Bool
        /// Whether the token is passed over where a letter or digit touches it.
        public var isSingleWord: Bool

        /// Makes an added token.
        public init(
            id: Int,
            content: String,
            isSpecial: Bool,
            isNormalized: Bool = false,
            stripsLeft: Bool = false,
            stripsRight: Bool = false,
            isSingleWord: Bool = false
        ) {
            self.id = id
            self.content = content
            self.isSpecial = isSpecial
            self.isNormalized = isNormalized
            self.stripsLeft = stripsLeft
            self.stripsRight = stripsRight
            self.isSingleWord = isSingleWord
        }
    }

    /// The tokens as the vocabulary spells them; a token's index is its ID.
    ///
    /// Added tokens are among them in plain text. An ID that no token has is an empty string.
    public var tokens: [String]
    /// Two tokens with a space between them, best first.
    public var merges: [String]
    /// The added tokens in ascending order of IDs.
    public var addedTokens: [AddedToken]
    /// What is done to text between added tokens, in this order.
    public var normalization: [NormalizationStep] = []
    /// How text is cut.
    public var preTokenizer: PreTokenizer
    /// How tokens spell text in characters; `nil` if they spell bytes in GPT-2's alphabet.
    public var characters: CharacterSpelling?
    /// Whether a part that is a token as a whole is taken as such without merging.
    public var ignoresMerges: Bool
    /// What stands for a byte or a character that no token has; such are dropped if this is `nil`.
    public var unknownID: Int?
    /// The token that begins a text.
    public var bosID: Int?
    /// The token that ends a text.
    public var eosID: Int?
    /// Whether the model expects the first token of a text to be `bosID`.
    public var addsBOS: Bool
    /// Whether the model expects the last token of a text to be `eosID`.
    public var addsEOS = false
    /// The Jinja text of the chat template.
    public var chatTemplate: String?

    /// The greatest number of tokens; the largest vocabularies in use have a quarter million.
    static let tokenCountMax = 1 << 20
    /// The greatest number of merges.
    static let mergeCountMax = 1 << 21
    /// The greatest length of a text that is looked for at every place of another text.
    static let addedTokenByteCountMax = 1 << 10
    /// The greatest length of all added tokens; those of Llama 3 have 8 KB.
    static let addedByteCountMax = 1 << 20
}
