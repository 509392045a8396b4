@_spi(_Unicode) internal import Swift

/// A change to text before it is cut.
public enum NormalizationStep: Codable, Hashable, Sendable {
    /// Unicode's normalization form C.
    case nfc
    /// A text is put before what is not empty.
    case prepend(String)
    /// Each place of a text is written otherwise.
    case replace(CharacterSpelling.Replacement)
}

/// Applies steps to UTF-8.
struct Normalization {
    private let steps: [NormalizationStep]

    /// How many times longer a text may become; SentencePiece's spaces grow from one byte to three.
    static let growthMax = 16
    /// The greatest length of a text that is put before another or looked for in it.
    static let prefixByteCountMax = 64

    /// - Throws: `limitExceeded` if short texts become long ones; `invalidField`.
    init(_ steps: [NormalizationStep]) throws(TokenizerError) {
        var growth = 1
        for step in steps {
            switch step {
            case .nfc: continue
            case .prepend(let text):
                try Self.check("a normalizer's prefix", text.utf8.count, Self.prefixByteCountMax)
            case .replace(let replacement):
                let (pattern, content) = (replacement.pattern.utf8, replacement.content.utf8)
                guard !pattern.isEmpty else {
                    throw .invalidField(item: "a normalizer's pattern", expected: "a text")
                }
                try Self.check("a pattern's length", pattern.count, Self.prefixByteCountMax)
                let factor = (content.count + pattern.count - 1) / pattern.count
                try Self.check("the growth of text", factor, Self.growthMax)
                growth *= max(factor, 1)
                try Self.check("the growth of text", growth, Self.growthMax)
            }
        }
        try Self.check("the number of normalizers", steps.count, Self.growthMax)
        self.steps = steps
    }

    private static func check(
        _ item: String,
        _ actual: Int,
        _ limit: Int
    ) throws(TokenizerError) {
        guard actual <= limit else {
            throw .limitExceeded(item: item, actual: actual, limit: limit)
        }
    }

    var isEmpty: Bool { steps.isEmpty }

    /// The text after all steps.
    ///
    /// - Parameter isContinued: whether text has come directly before, so that nothing is put
    ///   between the two.
    func apply(to text: ArraySlice<UInt8>, isContinued: Bool = false) -> [UInt8] {
        var bytes = Array(text)
        for step in steps {
            switch step {
            case .nfc: bytes = Self.composed(bytes)
            case .prepend(let prefix):
                if !bytes.isEmpty, !isContinued { bytes = Array(prefix.utf8) + bytes }
            case .replace(let replacement): bytes = replacement.apply(to: bytes[...])
            }
        }
        return bytes
    }

    /// Normalization form C, by the tables that the standard library compares strings with.
    private static func composed(_ bytes: [UInt8]) -> [UInt8] {
        // Scalars below U+0300 are in this form already, whatever stands beside them.
        guard bytes.contains(where: { $0 >= 0xCC }) else { return bytes }
        var composed: [UInt8] = []
        composed.reserveCapacity(bytes.count)
        for scalar in String(decoding: bytes, as: UTF8.self)._nfc {
            composed.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
        return composed
    }
}

extension CharacterSpelling.Replacement {
    /// The text with each place of the pattern replaced, from left to right.
    func apply(to text: ArraySlice<UInt8>) -> [UInt8] {
        let pattern = Array(pattern.utf8)
        guard let first = pattern.first, text.contains(first) else { return Array(text) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var offset = text.startIndex
        while offset < text.endIndex {
            if text[offset] == first, text[offset...].starts(with: pattern) {
                result.append(contentsOf: content.utf8)
                offset += pattern.count
            } else {
                result.append(text[offset])
                offset += 1
            }
        }
        return result
    }
}
