/// Finds added tokens in text: at each place the longest one.
struct AddedTokenMatcher {
    /// A token that was found, with the white space that it takes.
    struct Match {
        let id: Int
        var range: Range<Int>
    }

    /// A trie over bytes; the key of an edge is its node and byte, the value the next node.
    private var edges: [UInt64: Int32] = [:]
    /// The index of the token that ends at a node, or -1.
    private var ends: [Int32] = [-1]
    private var firstBytes = [Bool](repeating: false, count: 256)
    private let tokens: [TokenizerDefinition.AddedToken]

    /// - Parameter contents: what is looked for, if it is not the tokens' own texts.
    init(_ tokens: [TokenizerDefinition.AddedToken], contents: [[UInt8]]) {
        self.tokens = tokens
        for (index, content) in contents.enumerated() where !content.isEmpty {
            firstBytes[Int(content[0])] = true
            var node: Int32 = 0
            for byte in content {
                let key = Self.key(node, byte)
                if let next = edges[key] {
                    node = next
                } else {
                    let next = Int32(ends.count)
                    ends.append(-1)
                    edges[key] = next
                    node = next
                }
            }
            // Of two tokens that become one text the first counts.
            if ends[Int(node)] < 0 { ends[Int(node)] = Int32(index) }
        }
    }

    var isEmpty: Bool { edges.isEmpty }

    /// Calls `body` with each token that is found, from left to right.
    ///
    /// Where two tokens take the same white space their ranges overlap and the later one's end
    /// counts, as in the `tokenizers` library.
    func forEachMatch(
        in bytes: [UInt8],
        _ range: Range<Int>,
        includesSpecial: Bool,
        _ body: (Match) -> Void
    ) {
        var offset = range.lowerBound
        var start = range.lowerBound
        // White space up to here has been looked at.
        var spaceEnd = range.lowerBound
        while offset < range.upperBound {
            guard firstBytes[Int(bytes[offset])],
                let (token, end) = longest(in: bytes, at: offset, before: range.upperBound)
            else {
                offset += 1
                continue
            }
            var match = Match(id: token.id, range: offset..<end)
            offset = end
            if token.isSpecial && !includesSpecial { continue }
            if token.isSingleWord, Self.touchesWord(match.range, in: bytes, range) { continue }
            if token.stripsLeft {
                let first = Self.spaceStart(before: match.range.lowerBound, in: bytes, from: start)
                match.range = first..<end
            }
            if token.stripsRight {
                if end > spaceEnd {
                    spaceEnd = Self.spaceEnd(from: end, in: bytes, before: range.upperBound)
                }
                match.range = match.range.lowerBound..<spaceEnd
            }
            body(match)
            start = match.range.upperBound
        }
    }

    /// The longest token that begins at an offset and ends within the limit.
    private func longest(
        in bytes: [UInt8],
        at offset: Int,
        before limit: Int
    ) -> (token: TokenizerDefinition.AddedToken, end: Int)? {
        var node: Int32 = 0
        var best: (index: Int, end: Int)?
        var end = offset
        while end < limit, let next = edges[Self.key(node, bytes[end])] {
            node = next
            end += 1
            if ends[Int(node)] >= 0 { best = (Int(ends[Int(node)]), end) }
        }
        return best.map { (tokens[$0.index], $0.end) }
    }

    private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
        UInt64(node) << 8 | UInt64(byte)
    }
}
