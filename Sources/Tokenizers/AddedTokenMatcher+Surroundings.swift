extension AddedTokenMatcher {
    /// Whether a letter, a digit or the like stands directly before or behind a range.
    static func touchesWord(_ range: Range<Int>, in bytes: [UInt8], _ text: Range<Int>) -> Bool {
        if range.lowerBound > text.lowerBound {
            let before = scalarStart(before: range.lowerBound, in: bytes)
            if isWord(ScalarClass.scalar(at: before, in: bytes)) { return true }
        }
        return range.upperBound < text.upperBound
            && isWord(ScalarClass.scalar(at: range.upperBound, in: bytes))
    }

    /// Where the white space before an offset begins, not looking beyond `limit`.
    static func spaceStart(before offset: Int, in bytes: [UInt8], from limit: Int) -> Int {
        var start = offset
        while start > limit {
            let before = scalarStart(before: start, in: bytes)
            guard ScalarClass.at(before, in: bytes).scalarClass.isSpace else { break }
            start = before
        }
        return start
    }

    /// Where the white space that begins at an offset ends.
    static func spaceEnd(from offset: Int, in bytes: [UInt8], before limit: Int) -> Int {
        var end = offset
        while end < limit {
            let (scalarClass, length) = ScalarClass.at(end, in: bytes)
            guard scalarClass.isSpace else { break }
            end += length
        }
        return end
    }

    private static func scalarStart(before offset: Int, in bytes: [UInt8]) -> Int {
        var start = offset - 1
        while bytes[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// What `\w` is in the patterns of the `tokenizers` library.
    ///
    /// Source: Unicode Technical Standard 18, annex C.
    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        if properties.isAlphabetic || properties.isJoinControl { return true }
        return switch properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber,
            .connectorPunctuation:
            true
        default: false
        }
    }
}
