/// What most tokenizers don't have is left out, so that definitions from before it was known can be
/// read and have the same bytes when they are written again.
extension TokenizerDefinition: Codable {
    private enum CodingKeys: String, CodingKey {
        case tokens, merges, addedTokens, normalization, preTokenizer, characters, ignoresMerges
        case unknownID, bosID, eosID, addsBOS, addsEOS, chatTemplate
    }

    /// Reads a stored definition; making a tokenizer checks it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        tokens = try container.decode([String].self, forKey: .tokens)
        merges = try container.decode([String].self, forKey: .merges)
        addedTokens = try container.decode([AddedToken].self, forKey: .addedTokens)
        normalization =
            try container.decodeIfPresent([NormalizationStep].self, forKey: .normalization) ?? []
        preTokenizer = try container.decode(PreTokenizer.self, forKey: .preTokenizer)
        characters = try container.decodeIfPresent(CharacterSpelling.self, forKey: .characters)
        ignoresMerges = try container.decode(Bool.self, forKey: .ignoresMerges)
        unknownID = try container.decodeIfPresent(Int.self, forKey: .unknownID)
        bosID = try container.decodeIfPresent(Int.self, forKey: .bosID)
        eosID = try container.decodeIfPresent(Int.self, forKey: .eosID)
        addsBOS = try container.decode(Bool.self, forKey: .addsBOS)
        addsEOS = try container.decodeIfPresent(Bool.self, forKey: .addsEOS) ?? false
        chatTemplate = try container.decodeIfPresent(String.self, forKey: .chatTemplate)
    }

    /// Writes the definition.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(merges, forKey: .merges)
        try container.encode(addedTokens, forKey: .addedTokens)
        if !normalization.isEmpty { try container.encode(normalization, forKey: .normalization) }
        try container.encode(preTokenizer, forKey: .preTokenizer)
        try container.encodeIfPresent(characters, forKey: .characters)
        try container.encode(ignoresMerges, forKey: .ignoresMerges)
        try container.encodeIfPresent(unknownID, forKey: .unknownID)
        try container.encodeIfPresent(bosID, forKey: .bosID)
        try container.encodeIfPresent(eosID, forKey: .eosID)
        try container.encode(addsBOS, forKey: .addsBOS)
        if addsEOS { try container.encode(true, forKey: .addsEOS) }
        try container.encodeIfPresent(chatTemplate, forKey: .chatTemplate)
    }
}

extension TokenizerDefinition.AddedToken: Codable {
    private enum CodingKeys: String, CodingKey {
        case id, content, isSpecial, isNormalized, stripsLeft, stripsRight, isSingleWord
    }

    /// The properties that few added tokens have.
    private static var rareKeys: [(CodingKeys, WritableKeyPath<Self, Bool>)] {
        [
            (.isNormalized, \.isNormalized), (.stripsLeft, \.stripsLeft),
            (.stripsRight, \.stripsRight), (.isSingleWord, \.isSingleWord),
        ]
    }

    /// Reads a stored added token.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try container.decode(Int.self, forKey: .id),
            content: try container.decode(String.self, forKey: .content),
            isSpecial: try container.decode(Bool.self, forKey: .isSpecial)
        )
        for (key, path) in Self.rareKeys {
            self[keyPath: path] = try container.decodeIfPresent(Bool.self, forKey: key) ?? false
        }
    }

    /// Writes the added token.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(content, forKey: .content)
        try container.encode(isSpecial, forKey: .isSpecial)
        for (key, path) in Self.rareKeys where self[keyPath: path] {
            try container.encode(true, forKey: key)
        }
    }
}
