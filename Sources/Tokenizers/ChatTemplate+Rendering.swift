/// The parts of a conversation: what is said before an answer is one part.
struct ChatSegments {
    private var segments: [(text: String, isAnswer: Bool)] = []
    private var context = ""

    mutating func say(_ text: String) {
        context += text
    }

    mutating func answer(_ text: String) {
        segments.append((text: context, isAnswer: false))
        segments.append((text: text, isAnswer: true))
        context = ""
    }

    consuming func finished() -> [(text: String, isAnswer: Bool)] {
        if !context.isEmpty { segments.append((text: context, isAnswer: false)) }
        return segments
    }
}

extension ChatTemplate {
    /// The token that ends a turn of ChatML.
    public static let endOfTurn = "<|im_end|>"
    static let startOfTurn = "<|im_start|>"
    private static let llama3EndOfTurn = "<|eot_id|>"

    static func chatMLOpening(_ role: String) -> String {
        "\(startOfTurn)\(role)\n"
    }

    static func llama3Opening(_ role: String) -> String {
        "<|start_header_id|>\(role)<|end_header_id|>\n\n"
    }

    func renderChatML(
        _ messages: [Message],
        _ defaultSystemMessage: String?,
        into segments: inout ChatSegments
    ) {
        if let defaultSystemMessage, let first = messages.first, first.role != "system" {
            segments.say(Self.chatMLOpening("system") + defaultSystemMessage)
            segments.say(Self.endOfTurn + "\n")
        }
        for message in messages {
            segments.say(Self.chatMLOpening(message.role))
            let turn = message.content + Self.endOfTurn
            if message.role == "assistant" { segments.answer(turn) } else { segments.say(turn) }
            segments.say("\n")
        }
    }

    func renderLlama3(_ messages: [Message], into segments: inout ChatSegments) {
        for (index, message) in messages.enumerated() {
            if index == 0 { segments.say(bosToken) }
            segments.say(Self.llama3Opening(message.role))
            let turn = Self.trimmed(message.content) + Self.llama3EndOfTurn
            if message.role == "assistant" { segments.answer(turn) } else { segments.say(turn) }
        }
    }

    func renderLlama2(_ messages: [Message], into segments: inout ChatSegments) {
        var rest = messages[...]
        var prefix = ""
        if let first = rest.first, first.role == "system" {
            prefix = "<<SYS>>\n" + first.content + "\n<</SYS>>\n\n"
            rest = rest.dropFirst()
        }
        for message in rest {
            let text = Self.trimmed(prefix + message.content)
            prefix = ""
            if message.role == "assistant" {
                segments.answer(" " + text + " " + eosToken)
            } else {
                segments.say(bosToken + "[INST] " + text + " [/INST]")
            }
        }
    }

    func renderMistral(
        _ messages: [Message],
        _ spaces: (before: String, behind: String),
        into segments: inout ChatSegments
    ) {
        segments.say(bosToken)
        var rest = messages[...]
        var prefix = ""
        if let first = rest.first, first.role == "system" {
            prefix = first.content + "\n\n"
            rest = rest.dropFirst()
        }
        for message in rest {
            if message.role == "assistant" {
                segments.answer(spaces.before + message.content + eosToken)
                segments.say(spaces.behind)
            } else {
                segments.say("[INST] " + prefix + message.content + " [/INST]")
                prefix = ""
            }
        }
    }

    /// The text without white space around it; what counts as such is what Jinja's `trim` and
    /// Python's `strip` take away.
    private static func trimmed(_ text: String) -> String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, isSpace(first) { scalars.removeFirst() }
        while let last = scalars.last, isSpace(last) { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }
}
