/// The tables behind a tokenizer, made from a definition that may come from anywhere.
struct VocabularyTables {
    /// The tokens as the vocabulary spells them.
    let spelled: TokenTexts
    /// The IDs by `spelled`.
    let index: TokenIndex
    /// What tokens decode to before any ``CharacterSpelling/Decoding``.
    private(set) var decoded: TokenTexts
    let merges: MergeTable
    let normalization: Normalization
    private let addedIDs: Set<Int>

    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        try Self.checkCounts(definition)
        var spelled = TokenTexts(reservingCount: definition.tokens.count)
        for token in definition.tokens { spelled.append(token.utf8) }
        var duplicate: Int?
        let index = TokenIndex(spelled, duplicate: &duplicate)
        if let duplicate { throw .duplicateToken(definition.tokens[duplicate]) }
        self.spelled = spelled
        self.index = index
        try Self.checkIDs(definition, spelled)
        normalization = try Normalization(definition.normalization)
        decoded = try Self.decode(definition, spelled, normalization)
        merges = try Self.merges(definition.merges, index)
        addedIDs = Set(definition.addedTokens.map(\.id))
    }

    /// The tokens that a part can be as a whole.
    ///
    /// Added tokens are none of them: where they count they have been found before, and text must
    /// not steer the model by looking like one.
    func wholeParts() -> TokenIndex {
        var duplicate: Int?
        return TokenIndex(decoded, duplicate: &duplicate) { !addedIDs.contains($0) }
    }

    /// The tokens of single symbols.
    func symbols(_ definition: TokenizerDefinition) -> SymbolTable {
        let unknown = definition.unknownID.map { Int32($0) } ?? -1
        if let spelling = definition.characters {
            return SymbolTable(characters: index, spelling: spelling, unknownID: unknown)
        }
        return SymbolTable(
            byteIDs: ByteAlphabet.scalars.map { index.id(of: Array(String($0).utf8)[...]) },
            unknownID: unknown
        )
    }

    private static func checkCounts(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let byteCount = definition.tokens.reduce(0) { $0 + $1.utf8.count }
        let added = definition.addedTokens.map(\.content.utf8.count)
        let limits = [
            ("the number of tokens", definition.tokens.count, TokenizerDefinition.tokenCountMax),
            ("the number of merges", definition.merges.count, TokenizerDefinition.mergeCountMax),
            ("the length of all tokens", byteCount, Int(Int32.max)),
            (
                "the length of an added token", added.max() ?? 0,
                TokenizerDefinition.addedTokenByteCountMax
            ),
            (
                "the length of all added tokens", added.reduce(0, +),
                TokenizerDefinition.addedByteCountMax
            ),
        ]
        for (item, count, limit) in limits where count > limit {
            throw .limitExceeded(item: item, actual: count, limit: limit)
        }
    }

    private static func checkIDs(
        _ definition: TokenizerDefinition,
        _ spelled: TokenTexts
    ) throws(TokenizerError) {
        let named = [
            ("the unknown token", definition.unknownID), ("the first token", definition.bosID),
            ("the last token", definition.eosID),
        ]
        for (item, id) in named {
            guard let id, id < 0 || id >= spelled.count else { continue }
            throw .unknownID(item: item, id: id, tokenCount: spelled.count)
        }
        var seen: Set<Int> = []
        for token in definition.addedTokens {
            guard seen.insert(token.id).inserted else { throw .duplicateToken(token.content) }
            guard token.id >= 0, token.id < spelled.count, !token.content.isEmpty,
                spelled.equals(token.id, Array(token.content.utf8)[...])
            else {
                throw .unknownID(
                    item: "the added token \"\(token.content)\"",
                    id: token.id,
                    tokenCount: spelled.count
                )
            }
        }
    }

    /// A token that is looked for in normalized text decodes to its normalized text.
    private static func decode(
        _ definition: TokenizerDefinition,
        _ spelled: TokenTexts,
        _ normalization: Normalization
    ) throws(TokenizerError) -> TokenTexts {
        let normalized = Set(definition.addedTokens.lazy.filter(\.isNormalized).map(\.id))
        let isPlain = normalized.isEmpty || normalization.isEmpty
        if definition.characters != nil, isPlain { return spelled }
        let added = Set(definition.addedTokens.map(\.id))
        var decoded = TokenTexts(reservingCount: spelled.count)
        for (id, token) in definition.tokens.enumerated() {
            if !isPlain, normalized.contains(id) {
                decoded.append(normalization.apply(to: spelled.bytes[spelled[id]]))
            } else if definition.characters == nil, !added.contains(id),
                let bytes = ByteAlphabet.bytes(of: token)
            {
                decoded.append(bytes)
            } else {
                decoded.append(spelled.bytes[spelled[id]])
            }
        }
        return decoded
    }

    private static func merges(
        _ texts: [String],
        _ index: TokenIndex
    ) throws(TokenizerError) -> MergeTable {
        var merges = MergeTable(reservingCount: texts.count)
        for (rank, text) in texts.enumerated() {
            let bytes = Array(text.utf8)
            let space = UInt8(ascii: " ")
            guard let middle = bytes.firstIndex(of: space), middle == bytes.lastIndex(of: space)
            else { throw .invalidMerge(index: rank, merge: text) }
            let left = index.id(of: bytes[..<middle])
            let right = index.id(of: bytes[(middle + 1)...])
            let joined = index.id(of: (bytes[..<middle] + bytes[(middle + 1)...])[...])
            guard left >= 0, right >= 0, joined >= 0,
                merges.append(left, right, becomes: joined)
            else { throw .invalidMerge(index: rank, merge: text) }
        }
        return merges
    }
}
