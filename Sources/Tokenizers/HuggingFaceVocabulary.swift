internal import JSONDocuments

/// The tokens and merges of a `tokenizer.json`.
struct HuggingFaceVocabulary {
    private(set) var tokens: [String]
    let merges: [String]
    let addedTokens: [TokenizerDefinition.AddedToken]

    init(_ root: JSONPart, _ model: JSONPart) throws(TokenizerError) {
        let added = try Self.addedTokens(root)
        tokens = try Self.tokens(model, added: added)
        merges = try Self.merges(model)
        addedTokens = added.sorted { $0.id < $1.id }
    }

    /// The ID of a token that is named by its text or by an object with its `content`.
    func id(_ value: JSONValue?, _ item: String) throws(TokenizerError) -> Int? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string ?? value.object?["content"]?.string, !text.isEmpty,
            let id = tokens.firstIndex(where: { $0.utf8.elementsEqual(text.utf8) })
        else { throw .invalidField(item: item, expected: "a token of the vocabulary") }
        return id
    }

    private static func addedTokens(
        _ root: JSONPart
    ) throws(TokenizerError) -> [TokenizerDefinition.AddedToken] {
        guard root["added_tokens"] != nil else { return [] }
        var tokens: [TokenizerDefinition.AddedToken] = []
        for part in try root.parts("added_tokens") {
            guard let id = part["id"]?.integer, id >= 0, let content = part["content"]?.string,
                !content.isEmpty
            else {
                throw .invalidField(item: "added_tokens", expected: "a list of IDs and texts")
            }
            tokens.append(
                .init(
                    id: id,
                    content: content,
                    isSpecial: try part.flag("special"),
                    isNormalized: try part.flag("normalized"),
                    stripsLeft: try part.flag("lstrip"),
                    stripsRight: try part.flag("rstrip"),
                    isSingleWord: try part.flag("single_word")
                )
            )
        }
        return tokens
    }

    private static func tokens(
        _ model: JSONPart,
        added: [TokenizerDefinition.AddedToken]
    ) throws(TokenizerError) -> [String] {
        guard let vocabulary = model["vocab"]?.object else {
            throw .invalidField(item: "model.vocab", expected: "an object of IDs")
        }
        var greatest = -1
        for member in vocabulary.members {
            guard let id = member.value.integer, id >= 0 else {
                throw .invalidField(item: "model.vocab.\(member.key)", expected: "an ID")
            }
            greatest = max(greatest, id)
        }
        greatest = added.reduce(greatest) { max($0, $1.id) }
        guard greatest < TokenizerDefinition.tokenCountMax else {
            throw .limitExceeded(
                item: "the greatest ID",
                actual: greatest,
                limit: TokenizerDefinition.tokenCountMax - 1
            )
        }
        var tokens = [String](repeating: "", count: greatest + 1)
        func put(_ token: String, _ id: Int) throws(TokenizerError) {
            // An added token may be in the vocabulary, too.
            guard tokens[id].isEmpty || tokens[id].utf8.elementsEqual(token.utf8) else {
                throw .duplicateToken(token)
            }
            tokens[id] = token
        }
        for member in vocabulary.members { try put(member.key, member.value.integer ?? 0) }
        for token in added { try put(token.content, token.id) }
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
}
