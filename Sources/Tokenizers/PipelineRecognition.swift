internal import JSONDocuments

/// Reads the steps of a `tokenizer.json` that surround the merging.
enum PipelineRecognition {
    /// The steps of a value that is one step, a `Sequence` of steps or absent.
    static func steps(
        _ root: JSONPart,
        _ key: String,
        listedAs listKey: String
    ) throws(TokenizerError) -> [JSONPart] {
        guard root[key] != nil else { return [] }
        return try steps(root.part(key), listedAs: listKey)
    }

    private static func steps(
        _ part: JSONPart,
        listedAs listKey: String
    ) throws(TokenizerError) -> [JSONPart] {
        guard part["type"] == .string("Sequence") else { return [part] }
        var steps: [JSONPart] = []
        for step in try part.parts(listKey) {
            steps += try self.steps(step, listedAs: listKey)
        }
        return steps
    }

    /// The steps of `normalizer`.
    static func normalization(_ root: JSONPart) throws(TokenizerError) -> [NormalizationStep] {
        var result: [NormalizationStep] = []
        for step in try steps(root, "normalizer", listedAs: "normalizers") {
            switch step["type"]?.string {
            case "NFC": result.append(.nfc)
            case "Prepend": result.append(.prepend(try step.text("prepend")))
            case "Replace": result.append(.replace(try replacement(step)))
            default: throw step.unsupported("NFC, Prepend or Replace")
            }
        }
        return result
    }

    private static func replacement(
        _ step: JSONPart
    ) throws(TokenizerError) -> CharacterSpelling.Replacement {
        let pattern = try step.part("pattern")
        guard let text = pattern["String"]?.string, !text.isEmpty else {
            throw step.unsupported("pattern", .object(pattern.object), "a String that is not empty")
        }
        return .init(pattern: text, content: try step.text("content"))
    }

    /// A Metaspace step.
    static func metaspace(
        _ step: JSONPart
    ) throws(TokenizerError) -> CharacterSpelling.Metaspace {
        let mark = try step.text("replacement")
        let name = step["prepend_scheme"] ?? .string("always")
        guard let text = name.string,
            var scheme = CharacterSpelling.PrependScheme(rawValue: text)
        else { throw step.unsupported("prepend_scheme", name, "always, first or never") }
        if step["add_prefix_space"] == .bool(false) {
            // Older files have this key alone.
            guard step["prepend_scheme"] == nil || scheme == .never else {
                throw step.unsupported("prepend_scheme", name, "never without a prefix space")
            }
            scheme = .never
        }
        return .init(
            mark: mark, prependScheme: scheme, splits: step["split"]?.bool ?? true
        )
    }

    /// What `decoder` says of tokens that spell characters; `nil` if it is ByteLevel.
    static func decoding(_ root: JSONPart) throws(TokenizerError) -> CharacterSpelling.Decoding? {
        let steps = try steps(root, "decoder", listedAs: "decoders")
        guard let first = steps.first else {
            throw .unsupported(item: "decoder", value: "null", supported: "ByteLevel or a Sequence")
        }
        if steps.count == 1, first["type"] == .string("ByteLevel") { return nil }
        var result = CharacterSpelling.Decoding()
        if steps.count == 1, first["type"] == .string("Metaspace") {
            let metaspace = try metaspace(first)
            result.replacements = [.init(pattern: metaspace.mark, content: " ")]
            if metaspace.prependScheme != .never { result.firstTokenMark = metaspace.mark }
            return result
        }
        var isFused = false
        for step in steps {
            switch step["type"]?.string {
            case "Replace" where !isFused && !result.joinsByteTokens:
                result.replacements.append(try replacement(step))
            case "ByteFallback" where !isFused: result.joinsByteTokens = true
            case "Fuse": isFused = true
            case "Strip" where isFused && result.strippedCharacter == nil:
                try readStrip(step, into: &result)
            default: throw step.unsupported("ByteLevel, or Replace, ByteFallback, Fuse and Strip")
            }
        }
        return result
    }

    private static func readStrip(
        _ step: JSONPart,
        into decoding: inout CharacterSpelling.Decoding
    ) throws(TokenizerError) {
        guard step["stop"] ?? .integer(0) == .integer(0) else {
            throw step.unsupported("stop", step["stop"] ?? .null, "0")
        }
        guard let start = step["start"]?.integer, start >= 0 else {
            throw .invalidField(item: step.place + "start", expected: "a number")
        }
        decoding.strippedCharacter = try step.text("content")
        decoding.strippedCountMax = start
    }
}
