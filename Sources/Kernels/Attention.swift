internal import CKernels

/// Causal attention with grouped key/value heads: o = softmax(q k^T / sqrt(D)) v, where a query
/// sees the keys up to its own position.
///
/// Scores exist for one block of queries at a time. The forward pass keeps the logarithm of each
/// softmax's sum, from which the backward pass computes the same probabilities again.
///
/// Source: Vaswani et al. 2017, equation 1; Ainslie et al. 2023 for the groups; Dao et al. 2022,
/// algorithms 1 and 4, for what is kept.
///
/// ### Deviations
/// Blocks hold whole rows of scores, so the softmax is not computed piece by piece.
public struct Attention {
    /// Sequences in the rows, B.
    public var sequenceCount: Int
    /// Query rows of each sequence, T.
    public var queryCount: Int
    /// Key rows of each sequence; the last query sees all of them.
    public var keyCount: Int
    /// Query heads, H.
    public var headCount: Int
    /// Key/value heads; divides H.
    public var keyValueHeadCount: Int
    /// Channels of a head, D.
    public var headDimension: Int

    /// The threads that share the scratch; those that were set when the extents were made.
    private let workerCount = ComputeThreads.count

    /// The queries of a block.
    static let blockRowCount = 64

    /// Makes the extents of one call; `keyCount` is `queryCount` unless keys of earlier positions
    /// are there too.
    public init(
        sequenceCount: Int,
        queryCount: Int,
        keyCount: Int? = nil,
        headCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int
    ) {
        let keyCount = keyCount ?? queryCount
        precondition(
            keyValueHeadCount > 0 && headCount % keyValueHeadCount == 0 && headDimension > 0
                && keyCount >= queryCount && queryCount >= 0 && sequenceCount >= 0,
            "\(headCount) over \(keyValueHeadCount) heads, \(queryCount) over \(keyCount) rows"
        )
        self.sequenceCount = sequenceCount
        self.queryCount = queryCount
        self.keyCount = keyCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headDimension = headDimension
    }

    /// The values of scratch that a pass needs.
    public var scratchCount: Int {
        2 * workerCount * Self.blockRowCount * keyCount
    }

    /// Writes the attended values, and each query's log-sum-exp where it is asked for.
    ///
    /// Shape: q [B x T, H x D], k and v [B x keys, key/value head x D], `o` as q, `logSumExp`
    /// [B x T, H], `scratch` at least ``scratchCount`` values without gaps.
    ///
    /// - Complexity: O(B H T keys D).
    public func forward(
        q: Matrix,
        k: Matrix,
        v: Matrix,
        into o: Matrix,
        logSumExp: Matrix,
        scratch: FloatBuffer
    ) {
        check(q: q, k: k, v: v, o: o, logSumExp: logSumExp, scratch: scratch)
        let blocks = blockCount
        let product = Product(scale: scale)
        ComputeThreads.run(taskCount: sequenceCount * headCount * blocks, workerCount: workerCount)
        { task, worker in
            let (sequence, rest) = task.quotientAndRemainder(dividingBy: headCount * blocks)
            let (head, block) = rest.quotientAndRemainder(dividingBy: blocks)
            let rows = queryRows(block: block)
            let keys = keyRows(sequence: sequence, for: rows)
            let queries = rows.shifted(by: sequence * queryCount)
            let q = q.rows(queries).columns(channels(ofHead: head))
            let k = k.rows(keys).columns(keyChannels(ofHead: head))
            let v = v.rows(keys).columns(keyChannels(ofHead: head))
            let scores = scratchMatrix(scratch, index: 2 * worker, rows: rows, keys: keys)
            let sums = logSumExp.rows(queries).columns(head..<head + 1)
            var scaled = product
            scaled.transposesB = true
            scaled(q, k, scores)
            unsafe sk_softmax_causal(
                scores.base, scores.stride, scores.rowCount, scores.columnCount,
                visibleCount(rows), sums.base, sums.stride
            )
            let o = o.rows(queries).columns(channels(ofHead: head))
            Product()(scores, v, o)
        }
    }

    /// Writes the gradients of queries, keys and values.
    ///
    /// Every query head adds up its keys' and values' gradients in `headGradients`, and the heads
    /// of a group are added afterwards: a thread owns a head, and no group waits for one thread.
    ///
    /// Shape: as in `forward`, with gradients shaped as what they belong to, and `headGradients`
    /// [2 x B x keys, H x D] of scratch.
    ///
    /// - Complexity: O(B H T keys D).
    public func backward(
        inputs: (q: Matrix, k: Matrix, v: Matrix),
        o: Matrix,
        logSumExp: Matrix,
        outputGradient go: Matrix,
        gradients: (q: Matrix, k: Matrix, v: Matrix),
        headGradients: Matrix,
        scratch: FloatBuffer
    ) {
        check(
            q: inputs.q, k: inputs.k, v: inputs.v, o: o, logSumExp: logSumExp, scratch: scratch)
        check(
            q: gradients.q, k: gradients.k, v: gradients.v, o: go, logSumExp: logSumExp,
            scratch: scratch)
        let keyRowCount = sequenceCount * keyCount
        precondition(
            headGradients.extents == [2 * keyRowCount, headCount * headDimension],
            "gradients of heads in \(headGradients.extents)"
        )
        ComputeThreads.run(taskCount: sequenceCount * headCount, workerCount: workerCount) {
            task, worker in
            let (sequence, head) = task.quotientAndRemainder(dividingBy: headCount)
            let keys = sequence * keyCount..<(sequence + 1) * keyCount
            let queries = sequence * queryCount..<(sequence + 1) * queryCount
            let own = channels(ofHead: head)
            let group = keyChannels(ofHead: head)
            backwardHead(
                HeadViews(
                    q: inputs.q.rows(queries).columns(own),
                    k: inputs.k.rows(keys).columns(group),
                    v: inputs.v.rows(keys).columns(group),
                    o: o.rows(queries).columns(own),
                    go: go.rows(queries).columns(own),
                    logSumExp: logSumExp.rows(queries).columns(head..<head + 1),
                    gq: gradients.q.rows(queries).columns(own),
                    gk: headGradients.rows(keys).columns(own),
                    gv: headGradients.rows(keys.shifted(by: keyRowCount)).columns(own)
                ),
                scratch: scratch,
                worker: worker
            )
        }
        sumGroups(headGradients.rows(0..<keyRowCount), into: gradients.k)
        sumGroups(headGradients.rows(keyRowCount..<2 * keyRowCount), into: gradients.v)
    }

    /// What one query head of one sequence reads and writes.
    private struct HeadViews {
        let q, k, v, o, go, logSumExp, gq, gk, gv: Matrix
    }

    /// With p the probabilities, gp = go v^T and d = dot(o, go) per row:
    /// gs = p (gp - d) / sqrt(D), gq = gs k, gk = gs^T q, gv = p^T go.
    private func backwardHead(_ head: HeadViews, scratch: FloatBuffer, worker: Int) {
        // Blocks run from the last query to the first: the last one sees every key, so it sets the
        // gradients of all keys and the others add to them.
        for block in (0..<blockCount).reversed() {
            let rows = queryRows(block: block)
            let keys = 0..<visibleCount(rows) + rows.count - 1
            let (q, go) = (head.q.rows(rows), head.go.rows(rows))
            let (k, v) = (head.k.rows(keys), head.v.rows(keys))
            let o = head.o.rows(rows)
            let sums = head.logSumExp.rows(rows)
            let p = scratchMatrix(scratch, index: 2 * worker, rows: rows, keys: keys)
            let gs = scratchMatrix(scratch, index: 2 * worker + 1, rows: rows, keys: keys)
            Product(transposesB: true, scale: scale)(q, k, p)
            unsafe sk_softmax_causal_again(
                p.base, p.stride, p.rowCount, p.columnCount, visibleCount(rows), sums.base,
                sums.stride
            )
            Product(transposesB: true)(go, v, gs)
            unsafe sk_softmax_causal_backward(
                p.base, gs.base, p.stride, p.rowCount, p.columnCount, visibleCount(rows), o.base,
                o.stride, go.base, go.stride, headDimension, scale
            )
            let adds = block < blockCount - 1
            Product()(gs, k, head.gq.rows(rows))
            Product(transposesA: true, adds: adds)(gs, q, head.gk.rows(keys))
            Product(transposesA: true, adds: adds)(p, go, head.gv.rows(keys))
        }
    }

    private func sumGroups(_ heads: Matrix, into sum: Matrix) {
        let groupSize = headCount / keyValueHeadCount
        ComputeThreads.split(rowCount: sum.rowCount) { range in
            for group in 0..<keyValueHeadCount {
                let first = group * groupSize
                let target = sum.rows(range).columns(channels(ofHead: group))
                target.copy(from: heads.rows(range).columns(channels(ofHead: first)))
                for head in first + 1..<first + groupSize {
                    let source = heads.rows(range).columns(channels(ofHead: head))
                    unsafe sk_add_rows(
                        target.base, target.stride, source.base, source.stride, target.rowCount,
                        target.columnCount
                    )
                }
            }
        }
    }
}

extension Attention {
    private var scale: Float { 1 / Float(headDimension).squareRoot() }

    private var blockCount: Int {
        (queryCount + Self.blockRowCount - 1) / Self.blockRowCount
    }

    private func queryRows(block: Int) -> Range<Int> {
        let lower = block * Self.blockRowCount
        return lower..<min(lower + Self.blockRowCount, queryCount)
    }

    /// The keys that the first of these queries sees.
    private func visibleCount(_ rows: Range<Int>) -> Int {
        keyCount - queryCount + rows.lowerBound + 1
    }

    /// The keys that the last of these queries sees, as rows of the whole batch.
    private func keyRows(sequence: Int, for rows: Range<Int>) -> Range<Int> {
        let first = sequence * keyCount
        return first..<first + visibleCount(rows) + rows.count - 1
    }

    private func channels(ofHead head: Int) -> Range<Int> {
        head * headDimension..<(head + 1) * headDimension
    }

    private func keyChannels(ofHead head: Int) -> Range<Int> {
        channels(ofHead: head / (headCount / keyValueHeadCount))
    }

    private func scratchMatrix(
        _ scratch: FloatBuffer,
        index: Int,
        rows: Range<Int>,
        keys: Range<Int>
    ) -> Matrix {
        scratch.matrix(
            at: index * Self.blockRowCount * keyCount,
            rows: rows.count,
            columns: keys.count
        )
    }

    private func check(
        q: Matrix,
        k: Matrix,
        v: Matrix,
        o: Matrix,
        logSumExp: Matrix,
        scratch: FloatBuffer
    ) {
        let queryRowCount = sequenceCount * queryCount
        let queryExtents = [queryRowCount, headCount * headDimension]
        let keyExtents = [sequenceCount * keyCount, keyValueHeadCount * headDimension]
        precondition(
            q.extents == queryExtents && o.extents == queryExtents && k.extents == keyExtents
                && v.extents == keyExtents && logSumExp.extents == [queryRowCount, headCount]
                && scratch.count >= scratchCount,
            "q \(q.extents), k \(k.extents), v \(v.extents), o \(o.extents), "
                + "sums \(logSumExp.extents), scratch \(scratch.count)"
        )
    }
}

extension Range<Int> {
    fileprivate func shifted(by distance: Int) -> Range<Int> {
        lowerBound + distance..<upperBound + distance
    }
}
