/// The tables behind a tokenizer, made from a definition that may come from anywhere.
struct VocabularyTables {
    /// The bytes of each token, decoded.
    private(set) var tokenBytes: [[UInt8]] = []
    /// The IDs by the UTF-8 of the tokens as they are spelled.
    private(set) var ids: [[UInt8]: Int32] = [:]
    private(set) var merges: [UInt64: BytePairEncoding.Merge] = [:]
    private(set) var byteIDs: [Int32] = []
    private let addedIDs: Set<Int>

    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let limits = [
            ("the number of tokens", definition.tokens.count, TokenizerDefinition.tokenCountMax),
            ("the number of merges", definition.merges.count, TokenizerDefinition.mergeCountMax),
        ]
        for (item, count, limit) in limits where count > limit {
            throw .limitExceeded(item: item, actual: count, limit: limit)
        }
        addedIDs = Set(definition.addedTokens.map(\.id))
        guard addedIDs.count == definition.addedTokens.count else {
            throw .duplicateToken("an added token")
        }
        try readTokens(definition)
        try checkIDs(definition)
        try readMerges(definition.merges)
        let unknown = definition.unknownID.map { Int32($0) } ?? -1
        byteIDs = ByteAlphabet.scalars.map { ids[Array(String($0).utf8)] ?? unknown }
    }

    /// The tokens that a part can be as a whole.
    func wholeParts() -> [[UInt8]: Int32] {
        var parts: [[UInt8]: Int32] = [:]
        for (id, bytes) in tokenBytes.enumerated() where !addedIDs.contains(id) && !bytes.isEmpty {
            parts[bytes] = Int32(id)
        }
        return parts
    }

    private mutating func readTokens(_ definition: TokenizerDefinition) throws(TokenizerError) {
        ids.reserveCapacity(definition.tokens.count)
        tokenBytes.reserveCapacity(definition.tokens.count)
        for (id, token) in definition.tokens.enumerated() {
            let spelling = Array(token.utf8)
            if !spelling.isEmpty {
                guard ids.updateValue(Int32(id), forKey: spelling) == nil else {
                    throw .duplicateToken(token)
                }
            }
            let isAdded = addedIDs.contains(id)
            tokenBytes.append(isAdded ? spelling : ByteAlphabet.bytes(of: token) ?? spelling)
        }
        for token in definition.addedTokens {
            guard tokenBytes.indices.contains(token.id), !token.content.isEmpty,
                tokenBytes[token.id] == Array(token.content.utf8)
            else {
                throw .unknownID(
                    item: "the added token \"\(token.content)\"",
                    id: token.id,
                    tokenCount: tokenBytes.count
                )
            }
        }
    }

    private func checkIDs(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let named = [
            ("the unknown token", definition.unknownID), ("the first token", definition.bosID),
            ("the last token", definition.eosID),
        ]
        for (item, id) in named {
            guard let id, !tokenBytes.indices.contains(id) else { continue }
            throw .unknownID(item: item, id: id, tokenCount: tokenBytes.count)
        }
    }

    private mutating func readMerges(_ texts: [String]) throws(TokenizerError) {
        merges.reserveCapacity(texts.count)
        for (index, text) in texts.enumerated() {
            let bytes = Array(text.utf8)
            let space = UInt8(ascii: " ")
            guard let middle = bytes.firstIndex(of: space), middle == bytes.lastIndex(of: space),
                let left = ids[Array(bytes[..<middle])],
                let right = ids[Array(bytes[(middle + 1)...])],
                let joined = ids[Array(bytes[..<middle] + bytes[(middle + 1)...])],
                merges.updateValue(
                    .init(rank: Int32(index), id: joined),
                    forKey: BytePairEncoding.key(left, right)
                ) == nil
            else { throw .invalidMerge(index: index, merge: text) }
        }
    }
}
