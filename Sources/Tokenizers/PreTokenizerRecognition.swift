internal import JSONDocuments

/// Tells which of the known pre-tokenizers a `tokenizer.json` describes.
enum PreTokenizerRecognition {
    private static let llamaPattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?"#
        + #"[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    private static let qwenPattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?"#
        + #"[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    static func recognise(
        _ root: JSONPart
    ) throws(TokenizerError) -> TokenizerDefinition.PreTokenizer {
        guard let value = root["pre_tokenizer"] else {
            throw .invalidField(item: "pre_tokenizer", expected: "an object")
        }
        let steps = value.object?["pretokenizers"]?.array ?? [value]
        let objects = steps.compactMap(\.object)
        if objects.count == 1, isByteLevel(objects[0], usesRegex: true) { return .gpt2 }
        if objects.count == 2 {
            let first = objects[0]
            if first["type"] == .string("Digits"), first["individual_digits"] == .bool(true),
                isByteLevel(objects[1], usesRegex: true)
            {
                return .smollm
            }
            if first["type"] == .string("Split"), first["behavior"] == .string("Isolated"),
                first["invert"] != .bool(true), isByteLevel(objects[1], usesRegex: false),
                let pattern = first["pattern"]?.object?["Regex"]?.string
            {
                if pattern == llamaPattern { return .llamaBPE }
                if pattern == qwenPattern { return .qwen2 }
            }
        }
        throw root.unsupported(
            "pre_tokenizer",
            value,
            "ByteLevel alone, or behind individual Digits or the Split of Llama 3 or Qwen 2"
        )
    }

    private static func isByteLevel(_ step: JSONObject, usesRegex: Bool) -> Bool {
        step["type"] == .string("ByteLevel") && step["add_prefix_space"] == .bool(false)
            && (step["use_regex"] ?? .bool(true)) == .bool(usesRegex)
    }
}
