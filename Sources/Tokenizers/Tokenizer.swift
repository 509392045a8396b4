/// A byte-level BPE tokenizer: text to token IDs and back.
///
/// Encoding gives the IDs that the `tokenizers` library gives without its special tokens; nothing
/// is put before or behind the text, see ``TokenizerDefinition/addsBOS``.
/// Source: Sennrich et al. 2016, with GPT-2's alphabet of bytes.
///
/// ### Deviations
/// The classes of characters are those of the Unicode version that the Swift library knows, so
/// characters younger than one of the libraries may be cut otherwise. An added token decodes to its
/// own text, also where its letters happen to be of the byte alphabet.
public final class Tokenizer: Sendable {
    /// What this tokenizer was made of.
    public let definition: TokenizerDefinition
    /// The chat template; `nil` if there is none or if it is not ChatML.
    ///
    /// ``requiredChatTemplate()`` says why.
    public let chatTemplate: ChatTemplate?

    private let encoding: BytePairEncoding
    private let addedTokens: AddedTokenMatcher
    private let plainAddedTokens: AddedTokenMatcher
    /// The bytes of each token.
    private let tokenBytes: [[UInt8]]
    private let isSpecial: [Bool]
    private let ids: [[UInt8]: Int32]
    /// The tokens by their bytes, if parts that are tokens as a whole are not merged.
    private let wholeParts: [[UInt8]: Int32]?

    /// Makes a tokenizer.
    ///
    /// - Throws: what contradicts itself in the definition.
    public init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        let tables = try VocabularyTables(definition)
        self.definition = definition
        chatTemplate = definition.chatTemplate.flatMap { try? ChatTemplate(jinja: $0) }
        encoding = BytePairEncoding(merges: tables.merges, byteIDs: tables.byteIDs)
        tokenBytes = tables.tokenBytes
        ids = tables.ids
        wholeParts = definition.ignoresMerges ? tables.wholeParts() : nil
        var isSpecial = [Bool](repeating: false, count: tables.tokenBytes.count)
        for token in definition.addedTokens where token.isSpecial { isSpecial[token.id] = true }
        self.isSpecial = isSpecial
        func matcher(_ tokens: [TokenizerDefinition.AddedToken]) -> AddedTokenMatcher {
            AddedTokenMatcher(tokens.map { (Array($0.content.utf8), $0.id) })
        }
        addedTokens = matcher(definition.addedTokens)
        plainAddedTokens = matcher(definition.addedTokens.filter { !$0.isSpecial })
    }

    /// The number of IDs: one more than the greatest.
    public var vocabularySize: Int { tokenBytes.count }

    /// The token that begins a text, if the model has one.
    public var bosID: Int? { definition.bosID }

    /// The token that ends a text, if the model has one.
    public var eosID: Int? { definition.eosID }

    /// The chat template, or why there is none.
    ///
    /// - Throws: `missingChatTemplate`, `unknownChatTemplate`.
    public func requiredChatTemplate() throws(TokenizerError) -> ChatTemplate {
        guard let jinja = definition.chatTemplate else { throw .missingChatTemplate }
        return try ChatTemplate(jinja: jinja)
    }

    /// The ID of a token as the vocabulary spells it, as in `Ġthe` or `<|im_end|>`.
    public func id(of token: String) -> Int? {
        ids[Array(token.utf8)].map { Int($0) }
    }

    /// Text to IDs.
    ///
    /// - Parameter parsesSpecialTokens: whether `<|im_end|>` in the text is that token. Pass false
    ///   for text from people, who would otherwise steer the model.
    /// - Complexity: O(n log n) in the length of the longest part without white space.
    public func encode(_ text: String, parsesSpecialTokens: Bool = true) -> [Int] {
        let bytes = Array(text.utf8)
        let parts = PreTokenization(bytes, kind: definition.preTokenizer)
        let matcher = parsesSpecialTokens ? addedTokens : plainAddedTokens
        var workspace = BytePairEncoding.Workspace()
        var output: [Int] = []
        output.reserveCapacity(bytes.count / 3)
        var start = 0
        func encodePlain(_ range: Range<Int>) {
            parts.forEachPart(in: range) { part in
                if let wholeParts, let id = wholeParts[Array(bytes[part])] {
                    output.append(Int(id))
                } else {
                    encoding.encode(bytes, in: part, &workspace, into: &output)
                }
            }
        }
        if !matcher.isEmpty {
            var offset = 0
            while offset < bytes.count {
                guard matcher.canBegin(with: bytes[offset]),
                    let match = matcher.match(bytes, at: offset, before: bytes.count)
                else {
                    offset += 1
                    continue
                }
                encodePlain(start..<offset)
                output.append(match.id)
                offset = match.end
                start = offset
            }
        }
        encodePlain(start..<bytes.count)
        return output
    }

    /// IDs to text; bytes that are no UTF-8 become U+FFFD, and IDs that no token has vanish.
    public func decode(_ ids: [Int], skipsSpecialTokens: Bool = false) -> String {
        let kept =
            skipsSpecialTokens
            ? ids.filter { !isSpecial.indices.contains($0) || !isSpecial[$0] } : ids
        return String(decoding: decodeBytes(kept), as: UTF8.self)
    }

    /// IDs to bytes, which may end in the middle of a character; IDs that no token has vanish.
    public func decodeBytes(_ ids: [Int]) -> [UInt8] {
        var bytes: [UInt8] = []
        for id in ids where tokenBytes.indices.contains(id) {
            bytes.append(contentsOf: tokenBytes[id])
        }
        return bytes
    }
}
