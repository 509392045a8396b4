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
        try root.requireAbsent("normalizer")
        let model = try root.part("model")
        try Self.refuseUnsupported(model)
        try Self.checkDecoder(root)
        let added = try Self.addedTokens(root)
        tokens = try Self.tokens(model, added: added)
        merges = try Self.merges(model)
        addedTokens = added.sorted { $0.id < $1.id }
        preTokenizer = try PreTokenizerRecognition.recognise(root)
        ignoresMerges = model["ignore_merges"]?.bool ?? false

        var ids: [String: Int] = [:]
        for (id, token) in tokens.enumerated() { ids[token] = id }
        unknownID = try Self.id(of: model["unk_token"], "model.unk_token", ids)
        let config = try tokenizerConfigJSON.map { bytes throws(TokenizerError) in
            try JSONPart(file: "tokenizer_config.json", bytes: bytes)
        }
        let prefix = try Self.prefixToken(root)
        bosID =
            try Self.id(of: config?["bos_token"], "bos_token", ids)
            ?? prefix.flatMap { ids[$0] }
        eosID = try Self.id(of: config?["eos_token"], "eos_token", ids)
        addsBOS = prefix != nil || config?["add_bos_token"]?.bool ?? false
        chatTemplate = try Self.chatTemplate(config)
        guard prefix == nil || bosID != nil && bosID == prefix.flatMap({ ids[$0] }) else {
            throw root.unsupported("post_processor", .string(prefix ?? ""), "the first token")
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
        for key in ["fuse_unk", "byte_fallback"] {
            if let value = model[key], value != .bool(false) {
                throw model.unsupported(key, value, "false")
            }
        }
    }

    private static func checkDecoder(_ root: JSONPart) throws(TokenizerError) {
        guard let decoder = root["decoder"] else { return }
        guard decoder.object?["type"] == .string("ByteLevel") else {
            throw root.unsupported("decoder", decoder, "ByteLevel")
        }
    }

    private static func addedTokens(_ root: JSONPart) throws(TokenizerError) -> [AddedToken] {
        var tokens: [AddedToken] = []
        for value in root["added_tokens"]?.array ?? [] {
            guard let object = value.object, let id = object["id"]?.integer, id >= 0,
                let content = object["content"]?.string, !content.isEmpty
            else {
                throw .invalidField(item: "added_tokens", expected: "a list of IDs and texts")
            }
            for key in ["lstrip", "rstrip", "single_word"] where object[key] == .bool(true) {
                throw .unsupported(
                    item: "\(key) of the added token \"\(content)\"",
                    value: "true",
                    supported: "false"
                )
            }
            tokens.append(
                AddedToken(
                    id: id,
                    content: content,
                    isSpecial: object["special"]?.bool ?? false
                )
            )
        }
        return tokens
    }

    private static func tokens(
        _ model: JSONPart,
        added: [AddedToken]
    ) throws(TokenizerError) -> [String] {
        guard let vocabulary = model["vocab"]?.object else {
            throw .invalidField(item: "model.vocab", expected: "an object of IDs")
        }
        var pairs: [(token: String, id: Int)] = []
        for member in vocabulary.members {
            guard let id = member.value.integer, id >= 0 else {
                throw .invalidField(item: "model.vocab.\(member.key)", expected: "an ID")
            }
            pairs.append((member.key, id))
        }
        pairs += added.map { ($0.content, $0.id) }
        let count = (pairs.map(\.id).max() ?? -1).addingReportingOverflow(1)
        guard !count.overflow, count.partialValue <= tokenCountMax else {
            throw .limitExceeded(
                item: "the greatest ID",
                actual: count.overflow ? Int.max : count.partialValue,
                limit: tokenCountMax
            )
        }
        var tokens = [String](repeating: "", count: count.partialValue)
        for (token, id) in pairs {
            // An added token may be in the vocabulary, too.
            guard tokens[id].isEmpty || tokens[id] == token else { throw .duplicateToken(token) }
            tokens[id] = token
        }
        return tokens
    }

    /// The merges, each one text as in older files or a list of two as in newer ones.
    private static func merges(_ model: JSONPart) throws(TokenizerError) -> [String] {
        guard let values = model["merges"]?.array else {
            throw .invalidField(item: "model.merges", expected: "a list")
        }
        var merges: [String] = []
        merges.reserveCapacity(values.count)
        for value in values {
            if let text = value.string {
                merges.append(text)
            } else if let pair = value.array, pair.count == 2, let left = pair[0].string,
                let right = pair[1].string
            {
                merges.append(left + " " + right)
            } else {
                throw .invalidField(item: "model.merges", expected: "a list of pairs of tokens")
            }
        }
        return merges
    }

    /// The ID of a token that is named by its text or by an object with its `content`.
    private static func id(
        of value: JSONValue?,
        _ item: String,
        _ ids: [String: Int]
    ) throws(TokenizerError) -> Int? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string ?? value.object?["content"]?.string, let id = ids[text]
        else { throw .invalidField(item: item, expected: "a token of the vocabulary") }
        return id
    }

    /// The token that the post-processor puts before a text, if it does.
    private static func prefixToken(_ root: JSONPart) throws(TokenizerError) -> String? {
        guard let value = root["post_processor"] else { return nil }
        let parts = value.object?["processors"]?.array ?? [value]
        var prefix: String?
        for part in parts {
            switch part.object?["type"]?.string {
            case "ByteLevel": continue
            case "TemplateProcessing":
                let pieces = (part.object?["single"]?.array ?? []).compactMap(\.object)
                let tokens = pieces.compactMap { $0["SpecialToken"]?.object?["id"]?.string }
                let isPrefixOnly =
                    pieces.last?["Sequence"] != nil && tokens.count + 1 == pieces.count
                guard tokens.count <= 1, isPrefixOnly else {
                    throw root.unsupported("post_processor", part, "one token before the text")
                }
                prefix = tokens.first
            default:
                throw root.unsupported("post_processor", part, "ByteLevel or TemplateProcessing")
            }
        }
        return prefix
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
