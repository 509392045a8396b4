/// Cuts text into the parts within which tokens are merged.
///
/// The vocabularies define their cuts by regular expressions. These are written out here as a scan
/// over scalars, which needs no expression engine, runs in time proportional to the text whatever
/// the text is, and keeps to one definition of the classes (``ScalarClass``). Both patterns try
/// their alternatives in order at each place and never skip a character:
///
/// - GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
/// - Llama 3: `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|`
///   ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
///
/// Qwen 2 has Llama 3's with `\p{N}`; SmolLM takes every `\p{N}` out first and applies GPT-2's to
/// what lies between, so that the white space before a number is the end of its part.
struct PreTokenization {
    private let bytes: [UInt8]
    private let kind: TokenizerDefinition.PreTokenizer

    init(_ bytes: [UInt8], kind: TokenizerDefinition.PreTokenizer) {
        self.bytes = bytes
        self.kind = kind
    }

    /// Calls `body` with the range of each part of a range that begins and ends between scalars.
    func forEachPart(in range: Range<Int>, _ body: (Range<Int>) -> Void) {
        switch kind {
        case .gpt2: forEachMatch(in: range, body)
        case .smollm: forEachPartBetweenNumbers(in: range, body)
        case .llamaBPE, .qwen2: forEachMatch(in: range, body)
        case .whole: body(range)
        }
    }

    private func forEachPartBetweenNumbers(in range: Range<Int>, _ body: (Range<Int>) -> Void) {
        var start = range.lowerBound
        var offset = start
        while offset < range.upperBound {
            let (scalarClass, length) = ScalarClass.at(offset, in: bytes)
            if scalarClass == .number {
                forEachMatch(in: start..<offset, body)
                body(offset..<(offset + length))
                start = offset + length
            }
            offset += length
        }
        forEachMatch(in: start..<range.upperBound, body)
    }

    private func forEachMatch(in range: Range<Int>, _ body: (Range<Int>) -> Void) {
        var offset = range.lowerBound
        let isGPT2 = kind == .gpt2 || kind == .smollm
        while offset < range.upperBound {
            let end =
                isGPT2
                ? endOfGPT2Match(at: offset, before: range.upperBound)
                : endOfLlamaMatch(at: offset, before: range.upperBound)
            body(offset..<end)
            offset = end
        }
    }

    private func endOfGPT2Match(at offset: Int, before limit: Int) -> Int {
        if let end = endOfContraction(at: offset, before: limit, ignoresCase: false) { return end }
        let first = ScalarClass.at(offset, in: bytes)
        if bytes[offset] == UInt8(ascii: " "), offset + 1 < limit {
            let second = ScalarClass.at(offset + 1, in: bytes)
            if !second.scalarClass.isSpace {
                return endOfRun(of: second.scalarClass, from: offset + 1, before: limit)
            }
        }
        return first.scalarClass.isSpace
            ? endOfSpace(at: offset, before: limit)
            : endOfRun(of: first.scalarClass, from: offset, before: limit)
    }

    private func endOfLlamaMatch(at offset: Int, before limit: Int) -> Int {
        if let end = endOfContraction(at: offset, before: limit, ignoresCase: true) { return end }
        let first = ScalarClass.at(offset, in: bytes)
        let next = offset + first.length
        if first.scalarClass == .letter {
            return endOfRun(of: .letter, from: offset, before: limit)
        }
        let second = next < limit ? ScalarClass.at(next, in: bytes).scalarClass : nil
        if first.scalarClass == .number {
            return endOfNumber(at: offset, before: limit)
        }
        if second == .letter, first.scalarClass != .newline {
            return endOfRun(of: .letter, from: next, before: limit)
        }
        if first.scalarClass == .other || bytes[offset] == UInt8(ascii: " ") && second == .other {
            let start = first.scalarClass == .other ? offset : next
            let end = endOfRun(of: .other, from: start, before: limit)
            return endOfRun(of: .newline, from: end, before: limit)
        }
        return endOfLastNewline(at: offset, before: limit) ?? endOfSpace(at: offset, before: limit)
    }

    /// Llama 3 takes up to three numbers together, Qwen 2 one.
    private func endOfNumber(at offset: Int, before limit: Int) -> Int {
        var end = offset
        for _ in 0..<(kind == .llamaBPE ? 3 : 1) where end < limit {
            let (scalarClass, length) = ScalarClass.at(end, in: bytes)
            guard scalarClass == .number else { break }
            end += length
        }
        return end
    }

    private func endOfRun(of scalarClass: ScalarClass, from start: Int, before limit: Int) -> Int {
        var end = start
        while end < limit {
            let next = ScalarClass.at(end, in: bytes)
            guard next.scalarClass == scalarClass else { break }
            end += next.length
        }
        return end
    }

    /// `\s+(?!\S)|\s+`: a run of white space leaves its last character to the word behind it,
    /// unless it is that character alone.
    private func endOfSpace(at offset: Int, before limit: Int) -> Int {
        var end = offset
        var last = offset
        while end < limit {
            let next = ScalarClass.at(end, in: bytes)
            guard next.scalarClass.isSpace else { return last > offset ? last : end }
            last = end
            end += next.length
        }
        return end
    }

    /// `\s*[\r\n]+`: white space up to the last line break in it, if there is one.
    private func endOfLastNewline(at offset: Int, before limit: Int) -> Int? {
        var end = offset
        var newlineEnd: Int?
        while end < limit {
            let next = ScalarClass.at(end, in: bytes)
            guard next.scalarClass.isSpace else { break }
            end += next.length
            if next.scalarClass == .newline { newlineEnd = end }
        }
        return newlineEnd
    }

    /// The end of one of `'s|'t|'re|'ve|'m|'ll|'d`; without case `ſ` (U+017F) is an s, too.
    private func endOfContraction(
        at offset: Int,
        before limit: Int,
        ignoresCase: Bool
    ) -> Int? {
        guard bytes[offset] == UInt8(ascii: "'") else { return nil }
        func letter(_ distance: Int) -> UInt8 {
            guard offset + distance < limit else { return 0 }
            let byte = bytes[offset + distance]
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            return ignoresCase && isUpper ? byte | 0x20 : byte
        }
        switch (letter(1), letter(2)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
            (UInt8(ascii: "d"), _):
            return offset + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return offset + 3
        case (0xC5, 0xBF) where ignoresCase:
            return offset + 3
        default:
            return nil
        }
    }
}
