/// A BPE tokenizer: text to token IDs and back.
///
/// Encoding and decoding give what the `tokenizers` library gives.
/// Source: Sennrich et al. 2016; with GPT-2's alphabet of bytes, or with SentencePiece's characters
/// and bytes (Kudo and Richardson 2018).
///
/// ### Deviations
/// The classes of characters and their compositions are those of the Unicode version that the Swift
/// library knows, so characters younger than one of the libraries may be cut otherwise. An added
/// token decodes to its own text, also where its letters happen to be of the byte alphabet. A part
/// is never taken for an added token as a whole.
public final class Tokenizer: Sendable {
    /// What this tokenizer was made of.
    public let definition: TokenizerDefinition
    /// The chat template; `nil` if there is none or if it is not known.
    ///
    /// ``requiredChatTemplate()`` says why.
    public let chatTemplate: ChatTemplate?

    let index: TokenIndex
    let encoding: BytePairEncoding
    let normalization: Normalization
    /// How spaces are marked, if tokens spell characters.
    let spaces: SpaceMarking?
    let decoding: TokenDecoding
    /// The tokens that are found in text as it is, and those that are found when it is normalized.
    let addedTokens: AddedTokenMatcher
    let normalizedAddedTokens: AddedTokenMatcher
    /// The tokens by their bytes, if parts that are tokens as a whole are not merged.
    let wholeParts: TokenIndex?

    /// Makes a tokenizer.
    ///
    /// - Throws: what contradicts itself in the definition.
    public init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let spelling = try definition.checkedCharacters()
        let tables = try VocabularyTables(definition)
        self.definition = definition
        chatTemplate = try? definition.recognisedChatTemplate()
        index = tables.index
        let symbols = tables.symbols(definition)
        encoding = BytePairEncoding(merges: tables.merges, symbols: symbols)
        normalization = tables.normalization
        spaces = spelling.map {
            SpaceMarking(
                $0, tables.index, definition.merges, dropsSymbols: symbols.dropsSymbols
            )
        }
        decoding = TokenDecoding(
            texts: tables.decoded,
            specialIDs: definition.addedTokens.filter(\.isSpecial).map(\.id),
            spelling?.decoding
        )
        wholeParts = definition.ignoresMerges ? tables.wholeParts() : nil
        let plain = definition.addedTokens.filter { !$0.isNormalized }
        addedTokens = AddedTokenMatcher(plain, contents: plain.map { Array($0.content.utf8) })
        let normalized = definition.addedTokens.filter(\.isNormalized)
        normalizedAddedTokens = AddedTokenMatcher(
            normalized,
            contents: normalized.map {
                tables.normalization.apply(to: Array($0.content.utf8)[...])
            }
        )
    }

    /// The number of IDs: one more than the greatest.
    public var vocabularySize: Int { decoding.tokenCount }

    /// The token that begins a text, if the model has one.
    public var bosID: Int? { definition.bosID }

    /// The token that ends a text, if the model has one.
    public var eosID: Int? { definition.eosID }

    /// The chat template, or why there is none.
    ///
    /// - Throws: `missingChatTemplate`, `unknownChatTemplate`.
    public func requiredChatTemplate() throws(TokenizerError) -> ChatTemplate {
        try definition.recognisedChatTemplate()
    }

    /// The ID of a token as the vocabulary spells it, as in `Ġthe`, `▁the` or `<|im_end|>`.
    public func id(of token: String) -> Int? {
        let id = index.id(of: Array(token.utf8)[...])
        return id >= 0 ? Int(id) : nil
    }

    /// IDs to text; bytes that are no UTF-8 become U+FFFD, and IDs that no token has vanish.
    ///
    /// - Parameter isContinued: whether text has come before these IDs. If not, vocabularies that put
    ///   a space before a text take it away again.
    public func decode(
        _ ids: [Int],
        skipsSpecialTokens: Bool = false,
        isContinued: Bool = false
    ) -> String {
        let bytes = decoding.decode(
            ids, skipsSpecial: skipsSpecialTokens, isContinued: isContinued, marksErrors: true
        )
        return String(decoding: bytes, as: UTF8.self)
    }

    /// IDs to bytes, which may end in the middle of a character; IDs that no token has vanish.
    ///
    /// - Parameter isContinued: as in ``decode(_:skipsSpecialTokens:isContinued:)``.
    public func decodeBytes(_ ids: [Int], isContinued: Bool = false) -> [UInt8] {
        decoding.decode(
            ids, skipsSpecial: false, isContinued: isContinued, marksErrors: false
        )
    }
}

extension TokenizerDefinition {
    /// The chat template with the texts of the tokens that it names.
    func recognisedChatTemplate() throws(TokenizerError) -> ChatTemplate {
        guard let chatTemplate else { throw .missingChatTemplate }
        func text(_ id: Int?) -> String {
            id.flatMap { tokens.indices.contains($0) ? tokens[$0] : nil } ?? ""
        }
        return try ChatTemplate(
            jinja: chatTemplate, bosToken: text(bosID), eosToken: text(eosID)
        )
    }
}
