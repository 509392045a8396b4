/// A binary heap of pairs by rank, then by position.
struct MergeQueue {
    /// The rank above the position; there are at most 2²¹ merges, and no text of 2⁴⁰ bytes.
    private var entries: [UInt64] = []

    mutating func push(rank: Int32, position: Int) {
        entries.append(UInt64(UInt32(rank)) << 40 | UInt64(position))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child] < entries[parent] else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func pop() -> (rank: Int32, position: Int)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (Int32(first >> 40), Int(first & 0xFF_FFFF_FFFF))
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < entries.count else { return }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            guard entries[child] < entries[parent] else { return }
            entries.swapAt(child, parent)
            parent = child
        }
    }
}
