/// Which keys each query of a batch sees: a range of positions of its own sequence.
///
/// Causal attention, sliding windows, several texts in one row and prefixes that see themselves
/// whole are all ranges, so one kernel serves them.
public struct VisibleKeys {
    /// Sequences in the rows, B.
    public let sequenceCount: Int
    /// Query rows of each sequence, T.
    public let queryCount: Int
    /// Key rows of each sequence; the last query is at the last key's position.
    public let keyCount: Int

    /// Shape: [B x T]; the first key that each query sees.
    let lower: [Int32]
    /// Shape: [B x T]; the end of the keys that it sees, exclusive.
    let upper: [Int32]

    /// Makes the ranges of causal attention with what bounds or widens it.
    ///
    /// Query i of a sequence, at position p = `keyCount` - `queryCount` + i, sees
    /// [max(start, p + 1 - window), max(p + 1, prefix end)).
    ///
    /// - Parameters:
    ///   - keyCount: `queryCount` unless keys of earlier positions are there too.
    ///   - window: how many keys a query sees at most, its own position among them.
    ///   - segmentStarts: Shape: [B x T], or empty; where each query's text begins, at most p.
    ///   - prefixEnds: Shape: [B x T], or empty; at most `keyCount`.
    public init(
        sequenceCount: Int,
        queryCount: Int,
        keyCount: Int? = nil,
        window: Int? = nil,
        segmentStarts: [Int32] = [],
        prefixEnds: [Int32] = []
    ) {
        let keyCount = keyCount ?? queryCount
        let rowCount = sequenceCount * queryCount
        precondition(
            keyCount >= queryCount && queryCount >= 0 && sequenceCount >= 0 && window ?? 1 > 0
                && (segmentStarts.isEmpty || segmentStarts.count == rowCount)
                && (prefixEnds.isEmpty || prefixEnds.count == rowCount),
            "\(sequenceCount) x \(queryCount) over \(keyCount) keys, window \(window ?? 0)"
        )
        self.sequenceCount = sequenceCount
        self.queryCount = queryCount
        self.keyCount = keyCount
        var lower = [Int32](repeating: 0, count: rowCount)
        var upper = lower
        for row in 0..<rowCount {
            let position = keyCount - queryCount + row % queryCount
            var first = segmentStarts.isEmpty ? 0 : Int(segmentStarts[row])
            if let window { first = max(first, position + 1 - window) }
            let end = max(position + 1, prefixEnds.isEmpty ? 0 : Int(prefixEnds[row]))
            precondition(first >= 0 && first <= position && end <= keyCount, "\(first)..<\(end)")
            lower[row] = Int32(first)
            upper[row] = Int32(end)
        }
        self.lower = lower
        self.upper = upper
    }

    /// The keys that any of some queries of a sequence sees.
    func keys(sequence: Int, queries: Range<Int>) -> Range<Int> {
        var first = Int32(keyCount)
        var end: Int32 = 0
        for query in queries {
            first = min(first, lower[sequence * queryCount + query])
            end = max(end, upper[sequence * queryCount + query])
        }
        return Int(min(first, end))..<Int(end)
    }
}
