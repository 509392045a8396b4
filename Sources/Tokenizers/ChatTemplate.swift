/// How a conversation becomes one text.
///
/// A model file brings its template as a Jinja program. Running programs from files is not wanted
/// here, so known templates are recognised by their meaning and all others are refused.
///
/// ### Deviations
/// The templates of Llama 2 and Mistral stop where roles don't alternate. Here each message is
/// rendered as it comes; one with another role than `assistant` is the user's, and a system message
/// that Mistral's template has no place for stands before what the user says first.
public struct ChatTemplate: Hashable, Sendable {
    /// One turn of a conversation.
    public struct Message: Hashable, Sendable {
        /// Who speaks: `system`, `user` or `assistant`.
        public var role: String
        /// What is said.
        public var content: String

        /// Makes a message.
        public init(role: String, content: String) {
            self.role = role
            self.content = content
        }
    }

    /// The ways of marking turns that are known.
    enum Style: Hashable {
        /// ChatML, with what is said first when a conversation begins with another role.
        case chatML(defaultSystemMessage: String?)
        /// Llama 3's headers.
        case llama3
        /// Llama 2's instructions with a system message in the first.
        case llama2
        /// Mistral's instructions, with a space before or behind answers in some versions.
        case mistral(hasSpaceBefore: Bool, hasSpaceBehind: Bool)
    }

    let style: Style
    /// The texts of the tokens that begin and end a text.
    let bosToken: String
    let eosToken: String

    /// What is said first, in the system's role, when a conversation begins with another role.
    public var defaultSystemMessage: String? {
        guard case .chatML(let message) = style else { return nil }
        return message
    }

    /// Makes a ChatML template.
    public init(defaultSystemMessage: String?) {
        self.init(
            style: .chatML(defaultSystemMessage: defaultSystemMessage), bosToken: "", eosToken: ""
        )
    }

    /// Recognises the Jinja text of a template, as the files of SmolLM2, Qwen 2, Llama 2, Llama 3
    /// and Mistral have it.
    ///
    /// - Parameters:
    ///   - bosToken: the text of the token that begins a text; empty if there is none.
    ///   - eosToken: the text of the token that ends a text; empty if there is none.
    /// - Throws: `unknownChatTemplate` with the beginning of the text.
    public init(
        jinja: String,
        bosToken: String = "",
        eosToken: String = ""
    ) throws(TokenizerError) {
        guard let pieces = JinjaReader.pieces(of: jinja), let style = Style(pieces) else {
            throw .unknownChatTemplate(excerpt: String(jinja.prefix(80)))
        }
        self.init(style: style, bosToken: bosToken, eosToken: eosToken)
    }

    private init(style: Style, bosToken: String, eosToken: String) {
        self.style = style
        self.bosToken = bosToken
        self.eosToken = eosToken
    }

    /// The conversation as one text.
    ///
    /// - Parameter addsGenerationPrompt: whether the assistant's turn is opened at the end, where
    ///   the template does that.
    public func render(_ messages: [Message], addsGenerationPrompt: Bool) -> String {
        renderSegments(messages, addsGenerationPrompt: addsGenerationPrompt).map(\.text).joined()
    }

    /// The conversation in parts, of which those that the assistant says, with the token that ends
    /// its turn, are answers.
    ///
    /// Encode the parts by ``Tokenizer/encode(segments:)``: an answer then begins at a token's
    /// boundary, as it does when the model writes it behind the generation prompt. A text that the
    /// template begins with the model's first token brings it along.
    public func renderSegments(
        _ messages: [Message],
        addsGenerationPrompt: Bool = false
    ) -> [(text: String, isAnswer: Bool)] {
        var segments = ChatSegments()
        switch style {
        case .chatML(let message): renderChatML(messages, message, into: &segments)
        case .llama3: renderLlama3(messages, into: &segments)
        case .llama2: renderLlama2(messages, into: &segments)
        case .mistral(let before, let behind):
            renderMistral(messages, (before ? " " : "", behind ? " " : ""), into: &segments)
        }
        if addsGenerationPrompt {
            switch style {
            case .chatML: segments.say(Self.chatMLOpening("assistant"))
            case .llama3: segments.say(Self.llama3Opening("assistant"))
            // An answer follows the instruction as it is.
            case .llama2, .mistral: break
            }
        }
        return segments.finished()
    }
}
