/// Joins the bytes of a part into tokens, always the best pair that there is, the leftmost first.
struct BytePairEncoding {
    /// What two neighbours become, and how early.
    struct Merge {
        let rank: Int32
        let id: Int32
    }

    /// The merges of two IDs, the left one in the upper half of the key.
    private let merges: [UInt64: Merge]
    /// The token of each byte, or -1 if bytes like it are dropped.
    private let byteIDs: [Int32]

    init(merges: [UInt64: Merge], byteIDs: [Int32]) {
        precondition(byteIDs.count == 256, "\(byteIDs.count) bytes")
        self.merges = merges
        self.byteIDs = byteIDs
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

    static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

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
        for offset in range {
            let id = byteIDs[Int(bytes[offset])]
            // A byte without a token vanishes and its neighbours meet, as in the field's encoders.
            if id >= 0 { workspace.ids.append(id) }
        }
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

    private func rank(_ left: Int32, _ right: Int32) -> Int32 {
        merges[Self.key(left, right)]?.rank ?? Int32.max
    }

    private func mergeByScanning(_ workspace: inout Workspace) {
        guard workspace.ids.count > 1 else { return }
        workspace.ranks.removeAll(keepingCapacity: true)
        for index in 0..<(workspace.ids.count - 1) {
            workspace.ranks.append(rank(workspace.ids[index], workspace.ids[index + 1]))
        }
        while true {
            var best = Int32.max
            var index = -1
            for (candidate, rank) in workspace.ranks.enumerated() where rank < best {
                best = rank
                index = candidate
            }
            guard index >= 0,
                let merge = merges[Self.key(workspace.ids[index], workspace.ids[index + 1])]
            else { return }
            workspace.ids[index] = merge.id
            workspace.ids.remove(at: index + 1)
            workspace.ranks.remove(at: index)
            if index > 0 {
                workspace.ranks[index - 1] = rank(workspace.ids[index - 1], merge.id)
            }
            if index < workspace.ranks.count {
                workspace.ranks[index] = rank(merge.id, workspace.ids[index + 1])
            }
        }
    }

    /// The same merges with symbols in a linked list and pairs in a queue.
    ///
    /// A pair whose symbols
    /// have changed since it was queued no longer has its rank and is passed over.
    private func mergeByQueue(_ workspace: inout Workspace) {
        let count = workspace.ids.count
        workspace.previous = (0..<count).map { $0 - 1 }
        workspace.next = (0..<count).map { $0 + 1 < count ? $0 + 1 : -1 }
        for index in 0..<(count - 1) { enqueue(index, &workspace) }
        while let (rank, left) = workspace.queue.pop() {
            guard workspace.ids[left] >= 0 else { continue }
            let right = workspace.next[left]
            guard right >= 0,
                let merge = merges[Self.key(workspace.ids[left], workspace.ids[right])],
                merge.rank == rank
            else { continue }
            workspace.ids[left] = merge.id
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
        let rank = rank(workspace.ids[position], workspace.ids[right])
        if rank < Int32.max { workspace.queue.push(rank: rank, position: position) }
    }
}
