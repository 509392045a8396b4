import Tokenizers

/// A tokenizer with one token per byte, 0 to 255, and the two marks of ChatML behind them.
enum ByteTokenizer {
    static let startOfTurn = 256
    static let endOfTurn = 257
    static let vocabularySize = 258

    private static let template =
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
        + "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

    static func make(hasTemplate: Bool = true, addsBOS: Bool = false) throws -> Tokenizer {
        try Tokenizer(
            TokenizerDefinition(
                ggufTokens: alphabet + ["<|im_start|>", "<|im_end|>"],
                tokenTypes: [Int32](repeating: 1, count: 256) + [3, 3],
                merges: [],
                model: "gpt2",
                preTokenizer: "smollm",
                bosID: addsBOS ? startOfTurn : nil,
                eosID: endOfTurn,
                addsBOS: addsBOS,
                chatTemplate: hasTemplate ? template : nil
            )
        )
    }

    /// GPT-2's letters for bytes: printable ones stand for themselves, the others follow U+0100.
    private static var alphabet: [String] {
        let printable = Set<UInt32>(0x21...0x7E).union(0xA1...0xAC).union(0xAE...0xFF)
        var next: UInt32 = 0x100
        return (0...255).map { byte in
            var code = UInt32(byte)
            if !printable.contains(code) {
                code = next
                next += 1
            }
            return Unicode.Scalar(code).map { String($0) } ?? ""
        }
    }
}
