/// How a conversation becomes one text: ChatML, with or without a default system message.
///
/// A model file brings its template as a Jinja program. Running programs from files is not wanted
/// here, so known templates are recognised by their meaning and all others are refused.
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

    /// What is said first, in the system's role, when a conversation begins with another role.
    public let defaultSystemMessage: String?

    /// The token that ends a turn.
    public static let endOfTurn = "<|im_end|>"
    private static let startOfTurn = "<|im_start|>"

    /// Makes a ChatML template.
    public init(defaultSystemMessage: String?) {
        self.defaultSystemMessage = defaultSystemMessage
    }

    /// Recognises the Jinja text of a ChatML template, as the SmolLM2 and Qwen 2 files have it.
    ///
    /// - Throws: `unknownChatTemplate` with the beginning of the text.
    public init(jinja: String) throws(TokenizerError) {
        guard let pieces = JinjaReader.pieces(of: jinja),
            let defaultSystemMessage = Self.match(pieces)
        else {
            throw .unknownChatTemplate(excerpt: String(jinja.prefix(80)))
        }
        self.init(defaultSystemMessage: defaultSystemMessage)
    }

    /// The conversation as one text.
    ///
    /// - Parameter addsGenerationPrompt: whether the assistant's turn is opened at the end.
    public func render(_ messages: [Message], addsGenerationPrompt: Bool) -> String {
        renderSegments(messages, addsGenerationPrompt: addsGenerationPrompt).map(\.text).joined()
    }

    /// The conversation in parts, of which those that the assistant says, with the token that ends
    /// its turn, are answers.
    ///
    /// Encode the parts one by one: an answer then begins at a token's boundary, as it does when
    /// the model writes it behind the generation prompt.
    public func renderSegments(
        _ messages: [Message],
        addsGenerationPrompt: Bool = false
    ) -> [(text: String, isAnswer: Bool)] {
        var segments: [(text: String, isAnswer: Bool)] = []
        var context = ""
        if let defaultSystemMessage, let first = messages.first, first.role != "system" {
            context += Self.opening("system") + defaultSystemMessage + Self.endOfTurn + "\n"
        }
        for message in messages {
            context += Self.opening(message.role)
            let turn = message.content + Self.endOfTurn
            if message.role == "assistant" {
                segments.append((text: context, isAnswer: false))
                segments.append((text: turn, isAnswer: true))
                context = "\n"
            } else {
                context += turn + "\n"
            }
        }
        if addsGenerationPrompt { context += Self.opening("assistant") }
        if !context.isEmpty { segments.append((text: context, isAnswer: false)) }
        return segments
    }

    private static func opening(_ role: String) -> String {
        "\(startOfTurn)\(role)\n"
    }

    /// The default system message within a ChatML template; `.some(nil)` if it has none and `nil`
    /// if the template is another one.
    private static func match(_ pieces: [JinjaPiece]) -> String?? {
        var rest = pieces[...]
        func skip(_ expected: [JinjaPiece]) -> Bool {
            guard rest.starts(with: expected) else { return false }
            rest = rest.dropFirst(expected.count)
            return true
        }
        let defaults: [JinjaPiece] = [
            .block("set add_generation_prompt = false"), .block("endif"),
        ]
        for condition in [
            "if not add_generation_prompt is defined", "if add_generation_prompt is not defined",
        ] {
            _ = skip([.block(condition)] + defaults)
        }
        guard skip([.block("for message in messages")]) else { return nil }
        var systemMessage: String?
        if skip([.block("if loop.first and messages[0].role != 'system'")]) {
            guard case .literal(let text)? = rest.popFirst(), skip([.block("endif")]) else {
                return nil
            }
            let (prefix, suffix) = (opening("system"), endOfTurn + "\n")
            guard text.hasPrefix(prefix), text.hasSuffix(suffix),
                text.utf8.count >= prefix.utf8.count + suffix.utf8.count
            else { return nil }
            systemMessage = String(text.dropFirst(prefix.count).dropLast(suffix.count))
        }
        let turn: [JinjaPiece] = [
            .literal(startOfTurn), .value("message.role"), .literal("\n"),
            .value("message.content"), .literal(endOfTurn + "\n"), .block("endfor"),
            .block("if add_generation_prompt"), .literal(opening("assistant")), .block("endif"),
        ]
        guard skip(turn), rest.isEmpty else { return nil }
        return .some(systemMessage)
    }
}
