internal import JSONDocuments

/// The tokens that the `post_processor` of a `tokenizer.json` puts around a text.
struct TemplateRecognition {
    private(set) var prefixID: Int?
    private(set) var suffixID: Int?

    init(_ root: JSONPart, _ vocabulary: HuggingFaceVocabulary) throws(TokenizerError) {
        let steps = try PipelineRecognition.steps(root, "post_processor", listedAs: "processors")
        var hasTemplate = false
        for step in steps {
            switch step["type"]?.string {
            case "ByteLevel": continue
            case "TemplateProcessing" where !hasTemplate:
                hasTemplate = true
                try read(step, vocabulary)
            default: throw step.unsupported("ByteLevel or one TemplateProcessing")
            }
        }
    }

    private mutating func read(
        _ template: JSONPart,
        _ vocabulary: HuggingFaceVocabulary
    ) throws(TokenizerError) {
        let pieces = try template.parts("single")
        let sequences = pieces.indices.filter { pieces[$0]["Sequence"] != nil }
        guard sequences.count == 1, sequences[0] <= 1, pieces.count - sequences[0] <= 2 else {
            throw template.unsupported(
                "single",
                template["single"] ?? .null,
                "the text with at most one token before and one behind it"
            )
        }
        if sequences[0] == 1 { prefixID = try id(pieces[0], template, vocabulary) }
        if pieces.count - sequences[0] == 2 {
            suffixID = try id(pieces[pieces.count - 1], template, vocabulary)
        }
    }

    /// The ID of a piece: the template's own table of names counts, and not the vocabulary.
    private func id(
        _ piece: JSONPart,
        _ template: JSONPart,
        _ vocabulary: HuggingFaceVocabulary
    ) throws(TokenizerError) -> Int {
        let name = try piece.part("SpecialToken").text("id")
        guard template["special_tokens"] != nil else {
            return try vocabulary.id(.string(name), piece.place + "SpecialToken.id") ?? 0
        }
        let entry = try template.part("special_tokens").part(name)
        guard let ids = entry["ids"]?.array, ids.count == 1, let id = ids[0].integer,
            vocabulary.tokens.indices.contains(id)
        else { throw .invalidField(item: entry.place + "ids", expected: "one ID of a token") }
        return id
    }
}
