extension TokenizerDefinition {
    /// The spelling in characters, if the definition has one that can be computed.
    func checkedCharacters() throws(TokenizerError) -> CharacterSpelling? {
        guard let characters else {
            guard preTokenizer != .whole else {
                throw .invalidField(item: "the pre-tokenizer", expected: "a pattern for bytes")
            }
            return nil
        }
        guard preTokenizer == .whole else {
            throw .unsupported(
                item: "the pre-tokenizer of tokens that spell characters",
                value: preTokenizer.rawValue,
                supported: PreTokenizer.whole.rawValue
            )
        }
        try characters.check()
        return characters
    }
}

extension CharacterSpelling {
    /// - Throws: `invalidField` if a mark is no single character, `limitExceeded` if short tokens
    ///   become long texts.
    func check() throws(TokenizerError) {
        let marks = [
            ("the mark of spaces", metaspace?.mark),
            ("the first token's mark", decoding.firstTokenMark),
            ("the stripped character", decoding.strippedCharacter),
        ]
        for (item, mark) in marks {
            guard let mark, mark.unicodeScalars.count != 1 else { continue }
            throw .invalidField(item: item, expected: "a single character")
        }
        guard decoding.strippedCountMax >= 0 else {
            throw .invalidField(item: "the number of stripped characters", expected: "positive")
        }
        _ = try Normalization(decoding.replacements.map(NormalizationStep.replace))
    }
}
