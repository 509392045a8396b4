internal import Tokenizers

/// An input of the tokenizer's reader: `tokenizer.json`, then, each behind a zero byte,
/// `tokenizer_config.json` and a text.
///
/// JSON has no zero byte, so mutations of one part leave the others as they are.
struct TokenizerInput {
    private let tokenizer: [UInt8]
    private let config: [UInt8]?
    private let text: String

    init(_ input: [UInt8]) {
        let parts = input.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        tokenizer = Array(parts[0])
        config = parts.count > 1 && !parts[1].isEmpty ? Array(parts[1]) : nil
        text = parts.count > 2 ? String(decoding: parts[2], as: UTF8.self) : "To be, or 2 be?\n"
    }

    func read() {
        guard
            let definition = try? TokenizerDefinition(
                tokenizerJSON: tokenizer,
                tokenizerConfigJSON: config
            ),
            let tokenizer = try? Tokenizer(definition)
        else { return }
        for parsesSpecialTokens in [true, false] {
            let tokens = tokenizer.encode(text, parsesSpecialTokens: parsesSpecialTokens)
            precondition(tokens.allSatisfy { $0 >= 0 && $0 < tokenizer.vocabularySize })
            _ = tokenizer.decode(tokens, skipsSpecialTokens: true)
            _ = tokenizer.decodeBytes(tokens)
        }
        let message = ChatTemplate.Message(role: "user", content: text)
        _ = tokenizer.chatTemplate?.render([message], addsGenerationPrompt: true)
    }
}
