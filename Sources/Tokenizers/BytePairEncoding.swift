/// Joins the symbols of a part into tokens, always the best pair that there is, the leftmost first.
struct BytePairEncoding {
    private let merges: MergeTable
    private let symbols: SymbolTable

    init(merges: MergeTable, symbols: SymbolTable) {
        self.merges = merges
        self.symbols = symbols
    }

    /// Room that parts share, so that each doesn't allocate its own.
    struct Workspace {
        fileprivate var ids: [Int32] = []
        fileprivate var ranks: [Int32] = []
        fileprivate var queue = MergeQueue()
        fileprivate var previous: [Int] = []
        fileprivate var next: [Int] = []
    }

    /// Up to so many symbols looking through all pairs is faster than keeping a queue.
    ///
    /// It costs the square of the length, which a hostile text makes as long as it likes, hence
    /// the queue.
    static let scannedCountMax = 48

    /// Appends the tokens of a part.
    ///
    /// - Complexity: O(n log n) in the length of the part.
    func encode(
        _ bytes: [UInt8],
        in range: Range<Int>,
        _ workspace: inout Workspace,
        into output: inout [Int]
    ) {
        workspace.ids.removeAll(keepingCapacity: true)
        symbols.append(bytes, in: range, to: &workspace.ids)
        if workspace.ids.isEmpty { return }
        if workspace.ids.count <= Self.scannedCountMax {
            mergeByScanning(&workspace)
            for id in workspace.ids { output.append(Int(id)) }
        } else {
            mergeByQueue(&workspace)
            var index = 0
            while index >= 0 {
                output.append(Int(workspace.ids[index]))
                index = workspace.next[index]
            }
        }
    }

    private func mergeByScanning(_ workspace: inout Workspace) {
        guard workspace.ids.count > 1 else { return }
        workspace.ranks.removeAll(keepingCapacity: true)
        for index in 0..<(workspace.ids.count - 1) {
            workspace.ranks.append(merges.rank(workspace.ids[index], workspace.ids[index + 1]))
        }
        while true {
            var best = MergeTable.noRank
            var index = -1
            for (candidate, rank) in workspace.ranks.enumerated() where rank < best {
                best = rank
                index = candidate
            }
            guard index >= 0 else { return }
            let id = merges.id(rank: best)
            workspace.ids[index] = id
            workspace.ids.remove(at: index + 1)
            workspace.ranks.remove(at: index)
            if index > 0 {
                workspace.ranks[index - 1] = merges.rank(workspace.ids[index - 1], id)
            }
            if index < workspace.ranks.count {
                workspace.ranks[index] = merges.rank(id, workspace.ids[index + 1])
            }
        }
    }

    /// The same merges with symbols in a linked list and pairs in a queue.
    ///
    /// A pair whose symbols have changed since it was queued no longer has its rank and is passed
    /// over.
    private func mergeByQueue(_ workspace: inout Workspace) {
        let count = workspace.ids.count
        workspace.previous.removeAll(keepingCapacity: true)
        workspace.next.removeAll(keepingCapacity: true)
        for index in 0..<count {
            workspace.previous.append(index - 1)
            workspace.next.append(index + 1 < count ? index + 1 : -1)
        }
        for index in 0..<(count - 1) { enqueue(index, &workspace) }
        while let (rank, left) = workspace.queue.pop() {
            guard workspace.ids[left] >= 0 else { continue }
            let right = workspace.next[left]
            guard right >= 0,
                merges.rank(workspace.ids[left], workspace.ids[right]) == rank
            else { continue }
            workspace.ids[left] = merges.id(rank: rank)
            workspace.ids[right] = -1
            let after = workspace.next[right]
            workspace.next[left] = after
            if after >= 0 { workspace.previous[after] = left }
            enqueue(left, &workspace)
            if workspace.previous[left] >= 0 { enqueue(workspace.previous[left], &workspace) }
        }
    }

    private func enqueue(_ position: Int, _ workspace: inout Workspace) {
        let right = workspace.next[position]
        guard right >= 0 else { return }
        let rank = merges.rank(workspace.ids[position], workspace.ids[right])
        if rank < MergeTable.noRank { workspace.queue.push(rank: rank, position: position) }
    }
}
