internal import JSONDocuments

/// Tells which of the known pre-tokenizers a `tokenizer.json` describes.
enum PreTokenizerRecognition {
    private static let gpt2Pattern =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
    private static let llamaPattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?"#
        + #"[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let qwenPattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?"#
        + #"[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// How text is cut, and how its spaces are marked.
    static func recognise(
        _ root: JSONPart
    ) throws(TokenizerError) -> (
        TokenizerDefinition.PreTokenizer, CharacterSpelling.Metaspace?
    ) {
        let steps = try PipelineRecognition.steps(
            root, "pre_tokenizer", listedAs: "pretokenizers"
        )
        guard let first = steps.first else { return (.whole, nil) }
        if steps.count == 1, first["type"] == .string("Metaspace") {
            return (.whole, try PipelineRecognition.metaspace(first))
        }
        if steps.count == 1, isByteLevel(first, usesRegex: true) { return (.gpt2, nil) }
        if steps.count == 2 {
            if first["type"] == .string("Digits"), first["individual_digits"] == .bool(true),
                isByteLevel(steps[1], usesRegex: true)
            {
                return (.smollm, nil)
            }
            if isByteLevel(steps[1], usesRegex: false), let pattern = isolatedPattern(first) {
                if pattern == gpt2Pattern { return (.gpt2, nil) }
                if pattern == llamaPattern { return (.llamaBPE, nil) }
                if pattern == qwenPattern { return (.qwen2, nil) }
            }
        }
        throw root.unsupported(
            "pre_tokenizer",
            root["pre_tokenizer"] ?? .null,
            "Metaspace, or ByteLevel alone or behind individual Digits or the Split of Llama 3 or "
                + "Qwen 2"
        )
    }

    private static func isolatedPattern(_ step: JSONPart) -> String? {
        guard step["type"] == .string("Split"), step["behavior"] == .string("Isolated"),
            step["invert"] != .bool(true)
        else { return nil }
        return step["pattern"]?.object?["Regex"]?.string
    }

    private static func isByteLevel(_ step: JSONPart, usesRegex: Bool) -> Bool {
        step["type"] == .string("ByteLevel") && step["add_prefix_space"] == .bool(false)
            && (step["use_regex"] ?? .bool(true)) == .bool(usesRegex)
    }
}
