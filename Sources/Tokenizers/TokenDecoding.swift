/// Turns tokens into text.
struct TokenDecoding {
    private let texts: TokenTexts
    private let isSpecial: [Bool]
    /// How tokens that spell characters become text; `nil` if they spell bytes.
    private let characters: CharacterSpelling.Decoding?

    init(texts: TokenTexts, specialIDs: [Int], _ characters: CharacterSpelling.Decoding?) {
        self.texts = texts
        self.characters = characters
        var isSpecial = [Bool](repeating: false, count: texts.count)
        for id in specialIDs { isSpecial[id] = true }
        self.isSpecial = isSpecial
    }

    var tokenCount: Int { texts.count }

    /// The bytes of tokens.
    ///
    /// - Parameters:
    ///   - isContinued: whether text has come before, so that nothing is taken from the beginning.
    ///   - marksErrors: whether tokens of bytes that make no character together become U+FFFD each;
    ///     if not, they are themselves.
    func decode(
        _ ids: [Int],
        skipsSpecial: Bool,
        isContinued: Bool,
        marksErrors: Bool
    ) -> [UInt8] {
        let known = ids.lazy.filter {
            $0 >= 0 && $0 < texts.count && !texts[$0].isEmpty
                && !(skipsSpecial && isSpecial[$0])
        }
        guard let characters else {
            var bytes: [UInt8] = []
            for id in known { bytes.append(contentsOf: texts.bytes[texts[id]]) }
            return bytes
        }
        var decoding = characters
        if isContinued {
            decoding.firstTokenMark = nil
            decoding.strippedCharacter = nil
        }
        return decode(known, decoding, marksErrors: marksErrors)
    }

    private func decode(
        _ ids: some Sequence<Int>,
        _ decoding: CharacterSpelling.Decoding,
        marksErrors: Bool
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        /// Where the bytes of a row of byte tokens begin, if the last token was one.
        var rowStart: Int?
        func endRow() {
            if let start = rowStart, marksErrors { Self.markErrors(in: &bytes, from: start) }
            rowStart = nil
        }
        for (position, id) in ids.enumerated() {
            var text = Array(texts.bytes[texts[id]])
            for replacement in decoding.replacements { text = replacement.apply(to: text[...]) }
            if position == 0, let mark = decoding.firstTokenMark {
                text = CharacterSpelling.Replacement(pattern: mark, content: "")
                    .apply(to: texts.bytes[texts[id]])
            }
            if decoding.joinsByteTokens, let byte = ByteTokens.byte(text[...]) {
                if rowStart == nil { rowStart = bytes.count }
                bytes.append(byte)
            } else {
                endRow()
                bytes.append(contentsOf: text)
            }
        }
        endRow()
        guard let stripped = decoding.strippedCharacter.map({ Array($0.utf8) }) else {
            return bytes
        }
        var start = 0
        for _ in 0..<decoding.strippedCountMax {
            guard bytes[start...].starts(with: stripped) else { break }
            start += stripped.count
        }
        return Array(bytes[start...])
    }

    /// Writes U+FFFD for each of the bytes from an offset on unless they are UTF-8.
    private static func markErrors(in bytes: inout [UInt8], from start: Int) {
        guard String(validating: bytes[start...], as: UTF8.self) == nil else { return }
        let count = bytes.count - start
        bytes.removeSubrange(start...)
        for _ in 0..<count { bytes.append(contentsOf: UTF8.encodedReplacementCharacter) }
    }
}
