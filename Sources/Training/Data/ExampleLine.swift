internal import JSONDocuments

/// Reads one line of JSONL in one of four shapes.
///
///     {"text": "…"}
///     {"prompt": "…", "completion": "…"}
///     {"instruction": "…", "input": "…", "response": "…"}
///     {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
///
/// `input` may be absent, null or empty, and `output` is read as `response`, as many published
/// files have it. Other keys beside those of a shape are ignored.
enum ExampleLine {
    /// Reads a line without its end.
    static func parse(_ line: ArraySlice<UInt8>) throws(DatasetError.LineFault) -> Example.Content {
        if let offset = UTF8Check.firstBadOffset(in: line) {
            throw .notUTF8(byteOffset: offset)
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(parsing: Array(line), limits: limits)
        } catch {
            throw .notJSON(error)
        }
        guard let object = value.object else { throw .notAnObject(kind: value.kind) }
        return try content(of: object)
    }

    /// The length of a line is checked before; a conversation of 100,000 turns has 300,002 values.
    private static let limits = JSONLimits(
        byteCountMax: Int.max,
        depthMax: 32,
        valueCountMax: 1 << 20
    )

    private static func content(
        of object: JSONObject
    ) throws(DatasetError.LineFault) -> Example.Content {
        if object["messages"] != nil {
            return .messages(try messages(of: object))
        }
        if object["prompt"] != nil || object["completion"] != nil {
            return .completion(
                prompt: try text("prompt", of: object, beside: "completion"),
                completion: try text("completion", of: object, beside: "prompt")
            )
        }
        if object["instruction"] != nil {
            let response = object["response"] == nil && object["output"] != nil
            let name = response ? "output" : "response"
            return .instruction(
                instruction: try text("instruction", of: object, beside: name),
                input: try optionalText("input", of: object),
                response: try text(name, of: object, beside: "instruction")
            )
        }
        if object["text"] != nil {
            return .text(try text("text", of: object, beside: "text"))
        }
        throw .unknownShape(keys: object.members.map(\.key))
    }

    private static func text(
        _ key: String,
        of object: JSONObject,
        beside other: String
    ) throws(DatasetError.LineFault) -> String {
        guard let value = object[key] else { throw .keyMissing(key: key, beside: other) }
        guard let text = value.string else {
            throw .wrongType(key: key, expected: "a string", actual: value.kind)
        }
        guard !text.allSatisfy(\.isWhitespace) else { throw .emptyValue(key: key) }
        return text
    }

    private static func optionalText(
        _ key: String,
        of object: JSONObject
    ) throws(DatasetError.LineFault) -> String {
        guard let value = object[key], !value.isNull else { return "" }
        guard let text = value.string else {
            throw .wrongType(key: key, expected: "a string", actual: value.kind)
        }
        return text
    }

    private static func messages(
        of object: JSONObject
    ) throws(DatasetError.LineFault) -> [Example.Message] {
        guard let value = object["messages"] else {
            throw .keyMissing(key: "messages", beside: "messages")
        }
        guard let turns = value.array else {
            throw .wrongType(key: "messages", expected: "a list", actual: value.kind)
        }
        guard !turns.isEmpty else { throw .emptyValue(key: "messages") }
        var messages: [Example.Message] = []
        messages.reserveCapacity(turns.count)
        for (index, turn) in turns.enumerated() {
            messages.append(try message(turn, number: index + 1))
        }
        let hasAnswer = messages.contains {
            $0.role == .assistant && !$0.content.allSatisfy(\.isWhitespace)
        }
        guard hasAnswer else { throw .noAnswer }
        return messages
    }

    private static func message(
        _ turn: JSONValue,
        number: Int
    ) throws(DatasetError.LineFault) -> Example.Message {
        let key = "messages[\(number - 1)]"
        guard let object = turn.object else {
            throw .wrongType(
                key: key,
                expected: "an object with role and content",
                actual: turn.kind
            )
        }
        func string(_ name: String) throws(DatasetError.LineFault) -> String {
            guard let value = object[name] else {
                throw .keyMissing(key: "\(key).\(name)", beside: key)
            }
            guard let text = value.string else {
                throw .wrongType(
                    key: "\(key).\(name)",
                    expected: "a string",
                    actual: value.kind
                )
            }
            return text
        }
        let name = try string("role")
        guard let role = Example.Message.Role(rawValue: name) else {
            throw .unknownRole(role: name, message: number)
        }
        return Example.Message(role: role, content: try string("content"))
    }
}
