public import Tokenizers

/// Turns examples into rows of tokens.
///
/// - A text becomes windows that follow one another without overlap; the last may be shorter. Every
///   token of a window but the first is predicted.
/// - `messages` are rendered by the model's chat template. So are `prompt` and `completion`, as one
///   turn of the user and one of the assistant, and `instruction`, which is joined to its input, if
///   it has one, by an empty line. Only what the assistant says is predicted, with the mark
///   that ends its turn, so that the model learns to stop.
/// - Where the model has no known chat template, prompt and completion follow each other as they
///   are, instruction, input and response with an empty line between them; the token that ends a text
///   closes the answer. Messages are refused.
///
/// Where the tokenizer says that the model expects it, an example begins with the token that begins
/// a text, which is neither predicted nor counted among the bytes.
///
/// Parts of a conversation are encoded one by one, so that the tokens before an answer are just those
/// that the model is given when it shall answer.
public struct ExampleEncoder: Sendable {
    /// What is predicted in examples that have an answer.
    public enum LossScope: String, Hashable, Sendable, CaseIterable {
        /// The answer only.
        case answer
        /// The question as well.
        case everything
    }

    /// The rows of one example.
    public struct Encoded: Hashable, Sendable {
        /// The rows with at least one token to predict.
        public let rows: [TokenRow]
        /// Whether tokens were cut off because the row is full.
        public let isTruncated: Bool
    }

    private let tokenizer: Tokenizer
    private let template: ChatTemplate?
    private let scope: LossScope
    private let marksPrefixes: Bool
    private let rowTokenCountMax: Int
    private let vocabularySize: Int
    private let beginning: Int?

    /// Makes an encoder.
    ///
    /// - Parameters:
    ///   - rowTokenCountMax: the tokens of a window: T + 1 to train on T positions, T to evaluate
    ///     as Hugging Face does; at least 2.
    ///   - vocabularySize: the rows of the model's embedding.
    ///   - marksPrefixes: whether what stands before the first answer becomes the row's prefix, whose
    ///     tokens see one another; only with the scope `answer`.
    public init(
        tokenizer: Tokenizer,
        rowTokenCountMax: Int,
        vocabularySize: Int,
        scope: LossScope = .answer,
        marksPrefixes: Bool = false
    ) {
        precondition(rowTokenCountMax >= 2, "\(rowTokenCountMax) tokens leave none to predict")
        precondition(
            scope == .answer || !marksPrefixes,
            "a prefix that sees itself can't be predicted"
        )
        self.tokenizer = tokenizer
        self.template = tokenizer.chatTemplate
        self.scope = scope
        self.marksPrefixes = marksPrefixes
        self.rowTokenCountMax = rowTokenCountMax
        self.vocabularySize = vocabularySize
        beginning = tokenizer.definition.addsBOS ? tokenizer.bosID : nil
    }

    /// The rows of an example; none if it is too short.
    ///
    /// - Throws: `DatasetError.chatTemplateMissing` or `.tokenOutsideVocabulary`.
    public func encode(_ example: Example) throws(DatasetError) -> Encoded {
        if case .text(let text) = example.content {
            return try encode(text: text, origin: example.origin)
        }
        return try encode(segments: try segments(of: example), origin: example.origin)
    }

    private func encode(
        text: String,
        origin: Example.Origin
    ) throws(DatasetError) -> Encoded {
        let tokens = try opening(origin: origin) + tokens(of: text, origin: origin)
        var rows: [TokenRow] = []
        var start = 0
        while start < tokens.count {
            let window = Array(tokens[start..<min(start + rowTokenCountMax, tokens.count)])
            let text = start == 0 && beginning != nil ? window.dropFirst() : window[...]
            let isContinued = start > 0
            start += window.count
            guard window.count > 1 else { continue }
            let byteCount =
                tokenizer.decodeBytes(text.map(Int.init), isContinued: isContinued).count
            rows.append(TokenRow(text: window, byteCount: byteCount))
        }
        return Encoded(rows: rows, isTruncated: false)
    }

    private func encode(
        segments: [(text: String, isAnswer: Bool)],
        origin: Example.Origin
    ) throws(DatasetError) -> Encoded {
        let parts = tokenizer.encode(segments: segments.map(\.text))
        // A chat template may bring the first token along.
        var row = parts.first?.first == beginning ? [] : try opening(origin: origin)
        let textStart = beginning == nil ? 0 : 1
        var answers: [Range<Int>] = []
        for (segment, part) in zip(segments, parts) {
            let start = row.count
            row += try check(part, origin: origin)
            if segment.isAnswer { answers.append(start..<row.count) }
        }
        let isTruncated = row.count > rowTokenCountMax
        row = Array(row.prefix(rowTokenCountMax))
        let ranges: [Range<Int>] =
            switch scope {
            case .everything: [1..<max(row.count, 1)]
            case .answer: answers.map { $0.clamped(to: 1..<max(row.count, 1)) }
            }
        let targets = ranges.filter { !$0.isEmpty }
        guard !targets.isEmpty else { return Encoded(rows: [], isTruncated: isTruncated) }
        // Marks that steer the model are no text, so they bring loss but no bytes.
        let byteCount = targets.reduce(0) { sum, range in
            let ids = row[range].map(Int.init)
            let text = tokenizer.decode(
                ids, skipsSpecialTokens: true, isContinued: range.lowerBound > textStart
            )
            return sum + text.utf8.count
        }
        let encoded = TokenRow(
            tokens: row,
            targetRanges: targets,
            byteCount: byteCount,
            prefixCount: marksPrefixes ? answers.first?.lowerBound ?? 0 : 0
        )
        return Encoded(rows: [encoded], isTruncated: isTruncated)
    }

    private func tokens(
        of text: String,
        origin: Example.Origin
    ) throws(DatasetError) -> [Int32] {
        try check(tokenizer.encode(text), origin: origin)
    }

    /// The token that begins a text, where the model expects one.
    private func opening(origin: Example.Origin) throws(DatasetError) -> [Int32] {
        try check(beginning.map { [$0] } ?? [], origin: origin)
    }

    private func check(
        _ tokens: [Int],
        origin: Example.Origin
    ) throws(DatasetError) -> [Int32] {
        if let wrong = tokens.first(where: { $0 < 0 || $0 >= vocabularySize }) {
            throw .tokenOutsideVocabulary(
                path: origin.path,
                line: origin.line,
                token: wrong,
                vocabularySize: vocabularySize
            )
        }
        return tokens.map { Int32(truncatingIfNeeded: $0) }
    }

    private func segments(
        of example: Example
    ) throws(DatasetError) -> [(text: String, isAnswer: Bool)] {
        switch example.content {
        case .text(let text):
            return [(text, false)]
        case .messages(let messages):
            guard let template else {
                throw .chatTemplateMissing(path: example.origin.path, line: example.origin.line)
            }
            return template.renderSegments(
                messages.map {
                    ChatTemplate.Message(role: $0.role.rawValue, content: $0.content)
                }
            )
        case .completion(let prompt, let completion):
            return turn(question: prompt, answer: completion, gap: "")
        case .instruction(let instruction, let input, let response):
            let question = input.isEmpty ? instruction : instruction + "\n\n" + input
            return turn(question: question, answer: response, gap: "\n\n")
        }
    }

    private func turn(
        question: String,
        answer: String,
        gap: String
    ) -> [(text: String, isAnswer: Bool)] {
        guard let template else {
            let end = tokenizer.eosID.map { tokenizer.decode([$0]) } ?? ""
            return [(question + gap, false), (answer + end, true)]
        }
        return template.renderSegments([
            ChatTemplate.Message(role: "user", content: question),
            ChatTemplate.Message(role: "assistant", content: answer),
        ])
    }
}
