/// skeleton
public final class Tokenizer: Sendable {
    /// What this tokenizer was made of.
    public let definition: TokenizerDefinition
    /// The number of IDs: one more than the greatest.
    public var vocabularySize: Int { fatalError() }
    /// The token that begins a text, if the model has one.
    public var bosID: Int? { definition.bosID }
    /// The token that ends a text, if the model has one.
    public var eosID: Int? { definition.eosID }
    /// The chat template; `nil` if there is none or if it is not ChatML.
    public var chatTemplate: ChatTemplate? { fatalError() }
    /// Makes a tokenizer.
    public init(_ definition: TokenizerDefinition) throws(TokenizerError) { fatalError() }
    /// Text to IDs. Adds no beginning-of-text token; see `definition.addsBOS`.
    public func encode(_ text: String, parsesSpecialTokens: Bool = true) -> [Int] { fatalError() }
    /// IDs to text; bytes that are no UTF-8 become U+FFFD.
    public func decode(_ ids: [Int], skipsSpecialTokens: Bool = false) -> String { fatalError() }
    /// IDs to bytes.
    public func decodeBytes(_ ids: [Int]) -> [UInt8] { fatalError() }
    /// The ID of a token as the vocabulary spells it.
    public func id(of token: String) -> Int? { fatalError() }
    /// The chat template, or why there is none.
    public func requiredChatTemplate() throws(TokenizerError) -> ChatTemplate { fatalError() }
}
/// skeleton
public struct ChatTemplate: Hashable, Sendable {
    /// One turn of a conversation.
    public struct Message: Hashable, Sendable {
        /// `system`, `user` or `assistant`.
        public var role: String
        /// The text.
        public var content: String
    }
    /// Recognises ChatML.
    public init(jinja: String) throws(TokenizerError) { fatalError() }
    /// The conversation as one text.
    public func render(_ messages: [Message], addsGenerationPrompt: Bool) -> String { fatalError() }
    /// The conversation in parts; encode them one by one.
    public func renderSegments(
        _ messages: [Message], addsGenerationPrompt: Bool = false
    ) -> [(text: String, isAnswer: Bool)] { fatalError() }
}
