/// One thing to learn from, as the file has it: before the tokenizer.
public struct Example: Hashable, Sendable {
    /// What was said and what is to be learned of it.
    public enum Content: Hashable, Sendable {
        /// Running text, every token of which is learned.
        case text(String)
        /// A conversation; what the assistant says is learned.
        case messages([Message])
        /// A question and its answer; the answer is learned.
        case completion(prompt: String, completion: String)
        /// A task, what it is about (may be empty) and the response, which is learned.
        case instruction(instruction: String, input: String, response: String)
    }

    /// One turn of a conversation.
    public struct Message: Hashable, Sendable {
        /// Who speaks.
        public enum Role: String, Hashable, Sendable, CaseIterable {
            case system, user, assistant
        }

        /// Who speaks.
        public let role: Role
        /// What is said.
        public let content: String

        /// Makes a turn.
        public init(role: Role, content: String) {
            self.role = role
            self.content = content
        }
    }

    /// Where an example was found.
    public struct Origin: Hashable, Sendable {
        /// The file.
        public let path: String
        /// The line of a JSONL file, from 1; `nil` for a text file, which is one example.
        public let line: Int?

        /// Makes an origin.
        public init(path: String, line: Int? = nil) {
            self.path = path
            self.line = line
        }
    }

    /// What to learn.
    public let content: Content
    /// Where it was found.
    public let origin: Origin

    /// Makes an example.
    public init(content: Content, origin: Origin) {
        self.content = content
        self.origin = origin
    }
}

extension Example.Content {
    /// The bytes of its text.
    var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .messages(let messages): messages.reduce(0) { $0 + $1.content.utf8.count }
        case .completion(let prompt, let completion): prompt.utf8.count + completion.utf8.count
        case .instruction(let instruction, let input, let response):
            instruction.utf8.count + input.utf8.count + response.utf8.count
        }
    }
}
