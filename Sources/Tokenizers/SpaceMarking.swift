/// Marks spaces and cuts text for vocabularies whose tokens spell characters.
struct SpaceMarking {
    private let metaspace: CharacterSpelling.Metaspace?
    private let mark: [UInt8]
    /// Whether nothing ever merges over the place before a mark, so that words can be merged one
    /// by one.
    private let isCutBeforeMarks: Bool

    /// The mark of all vocabularies in use.
    private static let usualMark = "\u{2581}"

    init(
        _ spelling: CharacterSpelling,
        _ index: TokenIndex,
        _ merges: [String],
        dropsSymbols: Bool
    ) {
        metaspace = spelling.metaspace
        let mark = Array((spelling.metaspace?.mark ?? Self.usualMark).utf8)
        self.mark = mark
        // A known mark ends a row of unknown characters, which would be fused otherwise.
        isCutBeforeMarks =
            index.id(of: mark[...]) >= 0 && !dropsSymbols
            && merges.allSatisfy { Self.staysWithin(words: $0.utf8, mark) }
    }

    /// Whether the right token of a merge begins with a mark only if the left one ends with it.
    private static func staysWithin(words merge: String.UTF8View, _ mark: [UInt8]) -> Bool {
        guard let space = merge.firstIndex(of: UInt8(ascii: " ")) else { return true }
        let right = merge[merge.index(after: space)...]
        return !right.starts(with: mark) || merge[..<space].suffix(mark.count).elementsEqual(mark)
    }

    /// The text with its spaces marked.
    ///
    /// - Parameters:
    ///   - beginsText: whether nothing has come before.
    ///   - isContinued: whether text has come directly before.
    func mark(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        beginsText: Bool,
        isContinued: Bool
    ) -> [UInt8] {
        guard let metaspace else { return Array(bytes[range]) }
        var marked: [UInt8] = []
        marked.reserveCapacity(range.count + range.count / 2)
        for byte in bytes[range] {
            if byte == UInt8(ascii: " ") {
                marked.append(contentsOf: mark)
            } else {
                marked.append(byte)
            }
        }
        let prepends =
            switch metaspace.prependScheme {
            case .always: !isContinued
            case .first: beginsText
            case .never: false
            }
        return prepends && !marked.starts(with: mark) ? mark + marked : marked
    }

    /// Calls `body` with the parts of marked text that are tokens as a whole or are merged.
    func forEachPart(of marked: [UInt8], _ body: (Range<Int>) -> Void) {
        guard metaspace?.splits == true else { return body(0..<marked.count) }
        forEachMark(in: marked, 0..<marked.count, includesRuns: true, body)
    }

    /// Calls `body` with what can be merged on its own within a part.
    func forEachWord(of marked: [UInt8], in part: Range<Int>, _ body: (Range<Int>) -> Void) {
        guard isCutBeforeMarks else { return body(part) }
        forEachMark(in: marked, part, includesRuns: false, body)
    }

    /// Cuts before each mark, or before each but those that follow a mark.
    private func forEachMark(
        in marked: [UInt8],
        _ range: Range<Int>,
        includesRuns: Bool,
        _ body: (Range<Int>) -> Void
    ) {
        var start = range.lowerBound
        var markEnd = -1
        var offset = start
        while offset < range.upperBound {
            guard marked[offset] == mark[0], marked[offset..<range.upperBound].starts(with: mark)
            else {
                offset += 1
                continue
            }
            if offset > start, includesRuns || offset != markEnd {
                body(start..<offset)
                start = offset
            }
            offset += mark.count
            markEnd = offset
        }
        if start < range.upperBound { body(start..<range.upperBound) }
    }
}
