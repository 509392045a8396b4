extension DatasetError: CustomStringConvertible {
    /// File and line, what is wrong, and how to mend it.
    public var description: String {
        switch self {
        case .fileMissing(let path):
            "\(path): there is no such file; check the path"
        case .fileUnreadable(let path, let code):
            "\(path): can't be read, error \(code); check its permissions"
        case .fileIrregular(let path):
            "\(path): is a pipe or a device; save the text to a file first"
        case .fileTooLarge(let path, let byteCount, let limit):
            "\(path): has \(byteCount) bytes, more than \(limit); split it into several files"
        case .unknownFileType(let path, let pathExtension):
            "\(path): \"\(pathExtension)\" is no known kind of data; name it .txt if it is plain "
                + "text and .jsonl if it holds one JSON object a line"
        case .folderWithoutData(let path):
            "\(path): the folder holds no .txt and no .jsonl file; name one that does"
        case .fileEmpty(let path):
            "\(path): holds no text; give a file with something to learn from"
        case .textNotUTF8(let path, let line, let byteOffset):
            "\(path):\(line): byte \(byteOffset) of the file is not UTF-8; convert it, as in "
                + "iconv -f ISO-8859-1 -t UTF-8"
        case .badLine(let path, let line, let fault):
            "\(path):\(line): \(fault)"
        case .tokenOutsideVocabulary(let path, let line, let token, let size):
            "\(Self.place(path, line)): token \(token) is beyond the model's \(size); model and "
                + "tokenizer don't belong together, get both from one source"
        case .chatTemplateMissing(let path, let line):
            "\(Self.place(path, line)): messages need a chat template, and the model has none that "
                + "is known; use a chat model, or write prompt and completion"
        case .nothingToLearn(let exampleCount, let droppedCount):
            "of \(exampleCount) examples none has a token to predict, \(droppedCount) were too "
                + "short or cut off before their answer; give longer text or a greater length"
        }
    }

    private static func place(_ path: String, _ line: Int?) -> String {
        line.map { "\(path):\($0)" } ?? path
    }
}

extension DatasetError.LineFault: CustomStringConvertible {
    /// What is wrong with the line and how to mend it.
    public var description: String {
        switch self {
        case .tooLong(let byteCount, let limit):
            "the line has \(byteCount) bytes, more than \(limit); split it into several examples"
        case .notUTF8(let byteOffset):
            "byte \(byteOffset) of the line is not UTF-8; convert the file, as in "
                + "iconv -f ISO-8859-1 -t UTF-8"
        case .notJSON(let error):
            "the line is no JSON object: \(error); write one whole object on each line"
        case .notAnObject(let kind):
            "the line is \(kind), not an object; write {\"text\": …} or another of the four shapes"
        case .unknownShape(let keys):
            "the keys \(Self.list(keys)) make no known shape; use text, or prompt and completion, "
                + "or instruction, input and response, or messages"
        case .keyMissing(let key, let other) where key.hasPrefix("messages"):
            "\(other) lacks \(key); give each message a role and a content"
        case .keyMissing(let key, let other):
            "\(other) is there, but \(key) is missing; add it"
        case .wrongType(let key, let expected, let actual):
            "\(key) is \(actual), not \(expected); change it"
        case .emptyValue(let key):
            "\(key) is empty; fill it or take the line out"
        case .unknownRole(let role, let message):
            "message \(message) has the role \"\(role.prefix(40))\"; use system, user or assistant"
        case .noAnswer:
            "no message of the assistant says anything, so there is nothing to learn; add an answer"
        }
    }

    /// Names from a file, shortened so that a message stays readable.
    private static func list(_ keys: [String]) -> String {
        guard !keys.isEmpty else { return "{}" }
        let shown = keys.prefix(8).map { "\"\($0.prefix(40))\"" }
        return shown.joined(separator: ", ") + (keys.count > 8 ? ", …" : "")
    }
}
