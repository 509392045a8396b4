extension ChatTemplate.Style {
    /// The style of a template; `nil` if it is not known.
    init?(_ pieces: [JinjaPiece]) {
        let reduced = JinjaReduction.withoutTools(pieces)
        if let message = Self.chatML(reduced) {
            self = .chatML(defaultSystemMessage: message)
        } else if reduced == Self.llama3Pieces {
            self = .llama3
        } else if reduced == Self.llama2Pieces {
            self = .llama2
        } else if let mistral = Self.mistralStyles.first(where: { $0.pieces == reduced }) {
            self = mistral.style
        } else {
            return nil
        }
    }

    private static let llama3Pieces =
        JinjaReader.pieces(
            of: """
                {% set loop_messages = messages %}
                {% for message in loop_messages %}
                {% set content = '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' \
                + message.content | trim + '<|eot_id|>' %}
                {% if loop.index0 == 0 %}
                {% set content = bos_token + content %}
                {% endif %}
                {{- content }}
                {%- endfor %}
                {% if add_generation_prompt %}
                {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
                {%- endif %}
                """
        ) ?? []

    private static let alternation = """
        {% if (message.role == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...')}}
        {%- endif %}

        """

    private static let llama2Pieces =
        JinjaReader.pieces(
            of: """
                {% if messages[0].role == 'system' %}
                {% set loop_messages = messages[1:] %}
                {% set system_message = messages[0].content %}
                {% else %}
                {% set loop_messages = messages %}
                {% set system_message = false %}
                {% endif %}
                {% for message in loop_messages %}
                \(alternation)\
                {% if loop.index0 == 0 and system_message != false %}
                {% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + \
                message.content %}
                {% else %}
                {% set content = message.content %}
                {% endif %}
                {% if message.role == 'user' %}
                {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' }}
                {%- elif message.role == 'assistant' %}
                {{- ' ' + content.strip() + ' ' + eos_token }}
                {%- endif %}
                {% endfor %}
                """
        ) ?? []

    /// The versions differ in the spaces around an answer.
    private static let mistralStyles: [(style: Self, pieces: [JinjaPiece])] = {
        var styles: [(style: Self, pieces: [JinjaPiece])] = []
        for (before, behind) in [(false, false), (false, true), (true, false), (true, true)] {
            let start = before ? "' ' + " : ""
            let end = behind ? " + ' '" : ""
            let jinja = """
                {{- bos_token }}
                {%- for message in messages %}
                \(alternation)\
                {% if message.role == 'user' %}
                {{- '[INST] ' + message.content + ' [/INST]' }}
                {%- elif message.role == 'assistant' %}
                {{- \(start)message.content + eos_token\(end)}}
                {%- else %}
                {{- raise_exception('Only user and assistant roles are supported!') }}
                {%- endif %}
                {% endfor %}
                """
            styles.append(
                (
                    .mistral(hasSpaceBefore: before, hasSpaceBehind: behind),
                    JinjaReader.pieces(of: jinja) ?? []
                )
            )
        }
        return styles
    }()

    /// The default system message within a ChatML template; `.some(nil)` if it has none and `nil`
    /// if the template is another one.
    private static func chatML(_ pieces: [JinjaPiece]) -> String?? {
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
        let isSystemFirst = skip(JinjaReduction.systemFirst)
        var systemMessage: String?
        if isSystemFirst {
            guard case .literal(let text)? = rest.popFirst(), skip([.block("endif")]) else {
                return nil
            }
            systemMessage = defaultMessage(text)
            if systemMessage == nil { return nil }
        }
        guard skip([.block("for message in messages")]) else { return nil }
        if !isSystemFirst,
            skip([.block("if loop.first and messages[0].role != 'system'")])
        {
            guard case .literal(let text)? = rest.popFirst(), skip([.block("endif")]) else {
                return nil
            }
            systemMessage = defaultMessage(text)
            if systemMessage == nil { return nil }
        }
        if isSystemFirst, !skip(JinjaReduction.everyTurnButFirstSystem) { return nil }
        guard
            skip([
                .literal(ChatTemplate.startOfTurn), .value("message.role"), .literal("\n"),
                .value("message.content"), .literal(ChatTemplate.endOfTurn + "\n"),
            ])
        else { return nil }
        if isSystemFirst, !skip([.block("endif")]) { return nil }
        let end: [JinjaPiece] = [
            .block("endfor"), .block("if add_generation_prompt"),
            .literal(ChatTemplate.chatMLOpening("assistant")), .block("endif"),
        ]
        guard skip(end), rest.isEmpty else { return nil }
        return .some(systemMessage)
    }

    /// What the system says in a turn of ChatML.
    private static func defaultMessage(_ turn: String) -> String? {
        let (prefix, suffix) = (
            ChatTemplate.chatMLOpening("system"), ChatTemplate.endOfTurn + "\n"
        )
        guard turn.hasPrefix(prefix), turn.hasSuffix(suffix),
            turn.utf8.count >= prefix.utf8.count + suffix.utf8.count
        else { return nil }
        return String(turn.dropFirst(prefix.count).dropLast(suffix.count))
    }
}
