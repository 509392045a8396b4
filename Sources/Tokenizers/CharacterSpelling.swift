/// How the tokens of a SentencePiece vocabulary spell text: in characters, with a mark for spaces.
public struct CharacterSpelling: Codable, Hashable, Sendable {
    /// When a text that doesn't begin with the mark gets one.
    public enum PrependScheme: String, Codable, Hashable, Sendable {
        /// Each text between added tokens.
        case always
        /// Only what the whole text begins with.
        case first
        /// None.
        case never
    }

    /// Writes spaces as a mark, and may cut the text before each mark.
    public struct Metaspace: Codable, Hashable, Sendable {
        /// The mark, a single character: `▁` in all vocabularies in use.
        public var mark: String
        /// When a mark is put before the text.
        public var prependScheme: PrependScheme
        /// Whether each mark begins a part.
        public var splits: Bool

        /// Makes a way of marking spaces.
        public init(mark: String, prependScheme: PrependScheme, splits: Bool) {
            self.mark = mark
            self.prependScheme = prependScheme
            self.splits = splits
        }
    }

    /// A text that is written in another's place.
    public struct Replacement: Codable, Hashable, Sendable {
        /// What is replaced.
        public var pattern: String
        /// What takes its place.
        public var content: String

        /// Makes a replacement.
        public init(pattern: String, content: String) {
            self.pattern = pattern
            self.content = content
        }
    }

    /// How tokens become text again, in the order of the properties.
    public struct Decoding: Codable, Hashable, Sendable {
        /// What is replaced in each token.
        public var replacements: [Replacement] = []
        /// Whether tokens like `<0x0A>` are bytes, which make characters where they are UTF-8.
        public var joinsByteTokens = false
        /// The character that is taken from the text's beginning.
        public var strippedCharacter: String?
        /// How many of it at most.
        public var strippedCountMax = 0
        /// The mark that is dropped wherever it is in the first token.
        public var firstTokenMark: String?

        /// Makes a way of decoding that changes nothing.
        public init() {}
    }

    /// How spaces are marked, if ``TokenizerDefinition/normalization`` doesn't do it.
    public var metaspace: Metaspace?
    /// Whether a character without a token becomes the tokens `<0x00>` to `<0xFF>` of its bytes.
    public var hasByteFallback: Bool
    /// Whether one unknown token stands for several characters in a row.
    public var fusesUnknown: Bool
    /// How tokens become text again.
    public var decoding: Decoding

    /// Makes a spelling.
    public init(
        metaspace: Metaspace? = nil,
        hasByteFallback: Bool,
        fusesUnknown: Bool,
        decoding: Decoding
    ) {
        self.metaspace = metaspace
        self.hasByteFallback = hasByteFallback
        self.fusesUnknown = fusesUnknown
        self.decoding = decoding
    }
}
