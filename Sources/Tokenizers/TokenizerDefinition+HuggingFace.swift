internal import JSONDocuments

extension TokenizerDefinition {
    /// Makes a definition from a `tokenizer.json` and the `tokenizer_config.json` beside it.
    ///
    /// Truncation and padding settings are passed over; they concern batches, not tokens.
    ///
    /// - Throws: the part that is missing, malformed or of a kind that is not computed here.
    public init(
        tokenizerJSON: [UInt8],
        tokenizerConfigJSON: [UInt8]?
    ) throws(TokenizerError) {
        let root = try JSONPart(file: "tokenizer.json", bytes: tokenizerJSON)
        let model = try root.part("model")
        try Self.refuseUnsupported(model)
        normalization = try PipelineRecognition.normalization(root)
        let metaspace: CharacterSpelling.Metaspace?
        (preTokenizer, metaspace) = try PreTokenizerRecognition.recognise(root)
        characters = try Self.characters(root, model, preTokenizer, metaspace)
        let vocabulary = try HuggingFaceVocabulary(root, model)
        tokens = vocabulary.tokens
        merges = vocabulary.merges
        addedTokens = vocabulary.addedTokens
        ignoresMerges = try model.flag("ignore_merges")
        unknownID = try vocabulary.id(model["unk_token"], "model.unk_token")

        let config = try tokenizerConfigJSON.map { bytes throws(TokenizerError) in
            try JSONPart(file: "tokenizer_config.json", bytes: bytes)
        }
        let template = try TemplateRecognition(root, vocabulary)
        bosID = try vocabulary.id(config?["bos_token"], "bos_token") ?? template.prefixID
        eosID = try vocabulary.id(config?["eos_token"], "eos_token") ?? template.suffixID
        let (addsBOS, addsEOS) =
            (try config?.flag("add_bos_token"), try config?.flag("add_eos_token"))
        self.addsBOS = template.prefixID != nil || addsBOS ?? false
        self.addsEOS = template.suffixID != nil || addsEOS ?? false
        chatTemplate = try Self.chatTemplate(config)
        for (put, named) in [(template.prefixID, bosID), (template.suffixID, eosID)] {
            guard let put, put != named else { continue }
            throw root.unsupported(
                "post_processor", .string(tokens[put]), "bos_token before and eos_token behind"
            )
        }
    }

    private static func refuseUnsupported(_ model: JSONPart) throws(TokenizerError) {
        // Files from before the type was written have BPE only.
        if let type = model["type"], type != .string("BPE") {
            throw model.unsupported("type", type, "BPE")
        }
        if let dropout = model["dropout"], dropout.number != 0 {
            throw model.unsupported("dropout", dropout, "null")
        }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let value = model[key], value != .string("") {
                throw model.unsupported(key, value, "null")
            }
        }
    }

    /// How tokens spell characters; `nil` if they spell bytes.
    private static func characters(
        _ root: JSONPart,
        _ model: JSONPart,
        _ preTokenizer: PreTokenizer,
        _ metaspace: CharacterSpelling.Metaspace?
    ) throws(TokenizerError) -> CharacterSpelling? {
        let hasByteFallback = try model.flag("byte_fallback")
        let fusesUnknown = try model.flag("fuse_unk")
        let decoding = try PipelineRecognition.decoding(root)
        guard (preTokenizer == .whole) == (decoding != nil) else {
            throw root.unsupported(
                "decoder", root["decoder"] ?? .null, "ByteLevel with ByteLevel before the merges"
            )
        }
        guard let decoding else {
            if hasByteFallback { throw model.unsupported("byte_fallback", .bool(true), "false") }
            if fusesUnknown, model["unk_token"] != nil {
                throw model.unsupported("fuse_unk", .bool(true), "false")
            }
            return nil
        }
        return CharacterSpelling(
            metaspace: metaspace,
            hasByteFallback: hasByteFallback,
            fusesUnknown: fusesUnknown,
            decoding: decoding
        )
    }

    /// The template, or of a list of named ones the one named `default`.
    private static func chatTemplate(_ config: JSONPart?) throws(TokenizerError) -> String? {
        guard let value = config?["chat_template"] else { return nil }
        if let text = value.string { return text }
        for template in value.array ?? [] where template.object?["name"] == .string("default") {
            if let text = template.object?["template"]?.string { return text }
        }
        throw .invalidField(item: "chat_template", expected: "a text or a list with a default one")
    }
}
