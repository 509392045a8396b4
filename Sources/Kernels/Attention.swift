internal import CKernels

/// Attention with grouped key/value heads: o = softmax(q k^T / sqrt(D)) v, where each query sees a
/// range of keys.
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
    /// What each query sees, and with it the rows of a call.
    public let visible: VisibleKeys
    /// Query heads, H.
    public let headCount: Int
    /// Key/value heads; divides H.
    public let keyValueHeadCount: Int
    /// Channels of a head, D.
    public let headDimension: Int

    /// The threads that share the scratch; those that were set when the extents were made.
    let workerCount = ComputeThreads.count

    /// The queries of a block.
    static let blockRowCount = 64

    /// Makes the extents of one call.
    public init(
        visible: VisibleKeys,
        headCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int
    ) {
        precondition(
            keyValueHeadCount > 0 && headCount % keyValueHeadCount == 0 && headDimension > 0,
            "\(headCount) over \(keyValueHeadCount) heads of \(headDimension)"
        )
        self.visible = visible
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headDimension = headDimension
    }

    /// The Float32 values of scratch that a pass needs.
    ///
    /// Per thread: the scores and their gradient, both again in the type of the products, and a
    /// head's result for a block of rows.
    public var scratchCount: Int { workerCount * AttentionScratch.count(of: self) }

    /// The Float32 values of scratch that each thread needs.
    public static func scratchCountPerThread(keyCount: Int, headDimension: Int) -> Int {
        blockRowCount * (3 * keyCount + headDimension + 1)
    }

    /// Writes the attended values, and each query's log-sum-exp.
    ///
    /// Shape: q [B x T, H x D], k and v [B x keys, key/value head x D], `o` as q, `logSumExp`
    /// [B x T, H], `scratch` at least ``scratchCount`` values.
    ///
    /// - Complexity: O(B H T keys D).
    public func forward(
        q: Operand,
        k: Operand,
        v: Operand,
        into o: Operand,
        logSumExp: Matrix,
        scratch: FloatBuffer
    ) {
        check(q: q, k: k, v: v, o: o, logSumExp: logSumExp, scratch: scratch)
        let blocks = blockCount
        ComputeThreads.run(
            taskCount: visible.sequenceCount * headCount * blocks, workerCount: workerCount
        ) { task, worker in
            let (sequence, rest) = task.quotientAndRemainder(dividingBy: headCount * blocks)
            let (head, index) = rest.quotientAndRemainder(dividingBy: blocks)
            let place = block(index, sequence: sequence)
            let room = AttentionScratch(scratch, worker: worker, attention: self, block: place)
            let group = keyChannels(ofHead: head)
            let sums = logSumExp.rows(place.rows).columns(head..<head + 1)
            Product(transposesB: true, scale: scale)(
                q.rows(place.rows).columns(channels(ofHead: head)),
                k.rows(place.keyRows).columns(group), room.scores)
            unsafe withRanges(place) { lower, upper in
                unsafe sk_softmax_weights(
                    room.scores.base, room.scores.stride, place.rows.count, place.keys.count,
                    lower, upper, place.keys.lowerBound, sums.base, sums.stride, room.sums.base,
                    room.weights(q.type).base, q.isHalf
                )
            }
            Product()(room.weights(q.type), v.rows(place.keyRows).columns(group), room.result)
            let o = o.rows(place.rows).columns(channels(ofHead: head))
            unsafe sk_divide_rows(
                room.result.base, room.result.stride, room.sums.base, o.base, o.stride,
                o.rowCount, o.columnCount, o.isHalf
            )
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
        inputs: (q: Operand, k: Operand, v: Operand),
        o: Operand,
        logSumExp: Matrix,
        outputGradient go: Operand,
        gradients: (q: Matrix, k: Matrix, v: Matrix),
        headGradients: Matrix,
        scratch: FloatBuffer
    ) {
        check(
            q: inputs.q, k: inputs.k, v: inputs.v, o: o, logSumExp: logSumExp, scratch: scratch)
        check(
            q: .float32(gradients.q), k: .float32(gradients.k), v: .float32(gradients.v), o: go,
            logSumExp: logSumExp, scratch: scratch)
        let keyRowCount = visible.sequenceCount * visible.keyCount
        precondition(
            headGradients.extents == [2 * keyRowCount, headCount * headDimension],
            "gradients of heads in \(headGradients.extents)"
        )
        ComputeThreads.run(
            taskCount: visible.sequenceCount * headCount, workerCount: workerCount
        ) { task, worker in
            let (sequence, head) = task.quotientAndRemainder(dividingBy: headCount)
            let own = channels(ofHead: head)
            let group = keyChannels(ofHead: head)
            backwardHead(
                HeadViews(
                    q: inputs.q.columns(own), k: inputs.k.columns(group),
                    v: inputs.v.columns(group), o: o.columns(own), go: go.columns(own),
                    logSumExp: logSumExp.columns(head..<head + 1),
                    gq: gradients.q.columns(own),
                    gk: headGradients.rows(0..<keyRowCount).columns(own),
                    gv: headGradients.rows(keyRowCount..<2 * keyRowCount).columns(own)
                ),
                sequence: sequence,
                scratch: scratch,
                worker: worker
            )
        }
        sumGroups(headGradients.rows(0..<keyRowCount), into: gradients.k)
        sumGroups(headGradients.rows(keyRowCount..<2 * keyRowCount), into: gradients.v)
    }

    /// What one query head reads and writes, in the rows of all sequences.
    private struct HeadViews {
        let q, k, v, o, go: Operand
        let logSumExp, gq, gk, gv: Matrix
    }

    /// With p the probabilities, gp = go v^T and d = dot(o, go) per row:
    /// gs = p (gp - d) / sqrt(D), gq = gs k, gk = gs^T q, gv = p^T go.
    private func backwardHead(
        _ head: HeadViews,
        sequence: Int,
        scratch: FloatBuffer,
        worker: Int
    ) {
        let own = sequence * visible.keyCount..<(sequence + 1) * visible.keyCount
        head.gk.rows(own).fill(0)
        head.gv.rows(own).fill(0)
        for index in 0..<blockCount {
            let place = block(index, sequence: sequence)
            let room = AttentionScratch(scratch, worker: worker, attention: self, block: place)
            let (q, go) = (head.q.rows(place.rows), head.go.rows(place.rows))
            let (k, v) = (head.k.rows(place.keyRows), head.v.rows(place.keyRows))
            let o = head.o.rows(place.rows)
            let sums = head.logSumExp.rows(place.rows)
            let (p, gs) = (room.weights(q.type), room.scoreGradients(q.type))
            Product(transposesB: true, scale: scale)(q, k, room.scores)
            Product(transposesB: true)(go, v, room.gradients)
            unsafe withRanges(place) { lower, upper in
                unsafe sk_softmax_backward(
                    room.scores.base, room.gradients.base, room.scores.stride, place.rows.count,
                    place.keys.count, lower, upper, place.keys.lowerBound, sums.base, sums.stride,
                    o.base, o.stride, go.base, go.stride, headDimension, scale, p.base, gs.base,
                    q.isHalf
                )
            }
            Product()(gs, k, head.gq.rows(place.rows))
            Product(transposesA: true, adds: true)(gs, q, head.gk.rows(place.keyRows))
            Product(transposesA: true, adds: true)(p, go, head.gv.rows(place.keyRows))
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

/// Some queries of one sequence and the keys that any of them sees.
struct AttentionBlock {
    /// The queries as rows of the batch.
    let rows: Range<Int>
    /// The keys as positions of the sequence.
    let keys: Range<Int>
    /// The keys as rows of the batch.
    let keyRows: Range<Int>
}

/// One worker's views of the scratch for one block.
struct AttentionScratch {
    /// Shape: [query, key].
    let scores: Matrix
    /// The gradient of the probabilities: [query, key].
    let gradients: Matrix
    /// Shape: [query, D].
    let result: Matrix
    /// Each query's sum of weights: [query, 1].
    let sums: Matrix

    private let halfWeights, halfGradients: Operand

    static func count(of attention: Attention) -> Int {
        Attention.scratchCountPerThread(
            keyCount: attention.visible.keyCount, headDimension: attention.headDimension)
    }

    init(_ scratch: FloatBuffer, worker: Int, attention: Attention, block: AttentionBlock) {
        let start = worker * Self.count(of: attention)
        let step = Attention.blockRowCount * attention.visible.keyCount
        let (rows, keys) = (block.rows.count, block.keys.count)
        scores = scratch.matrix(at: start, rows: rows, columns: keys)
        gradients = scratch.matrix(at: start + step, rows: rows, columns: keys)
        halfWeights = scratch.matrix(
            at: start + 2 * step, rows: rows, columns: keys, type: .bfloat16)
        halfGradients = scratch.matrix(
            at: start + 2 * step + step / 2, rows: rows, columns: keys, type: .bfloat16)
        result = scratch.matrix(
            at: start + 3 * step, rows: rows, columns: attention.headDimension)
        sums = scratch.matrix(
            at: start + 3 * step + Attention.blockRowCount * attention.headDimension, rows: rows,
            columns: 1)
    }

    /// Where the probabilities go: over the scores in Float32.
    func weights(_ type: ComputeType) -> Operand {
        type == .float32 ? .float32(scores) : halfWeights
    }

    /// Where the scores' gradients go: over those of the probabilities in Float32.
    func scoreGradients(_ type: ComputeType) -> Operand {
        type == .float32 ? .float32(gradients) : halfGradients
    }
}

extension Attention {
    private var scale: Float { 1 / Float(headDimension).squareRoot() }

    private var blockCount: Int {
        (visible.queryCount + Self.blockRowCount - 1) / Self.blockRowCount
    }

    private func block(_ index: Int, sequence: Int) -> AttentionBlock {
        let lower = index * Self.blockRowCount
        let queries = lower..<min(lower + Self.blockRowCount, visible.queryCount)
        let keys = visible.keys(sequence: sequence, queries: queries)
        return AttentionBlock(
            rows: queries.shifted(by: sequence * visible.queryCount),
            keys: keys,
            keyRows: keys.shifted(by: sequence * visible.keyCount)
        )
    }

    /// Lends the ranges that a block's queries see.
    private func withRanges(
        _ block: AttentionBlock,
        _ body: (UnsafePointer<Int32>, UnsafePointer<Int32>) -> Void
    ) {
        unsafe visible.lower.withUnsafeBufferPointer { lower in
            unsafe visible.upper.withUnsafeBufferPointer { upper in
                guard
                    let lower = lower.baseAddress,
                    let upper = upper.baseAddress
                else { return }
                unsafe body(lower + block.rows.lowerBound, upper + block.rows.lowerBound)
            }
        }
    }

    private func channels(ofHead head: Int) -> Range<Int> {
        head * headDimension..<(head + 1) * headDimension
    }

    private func keyChannels(ofHead head: Int) -> Range<Int> {
        channels(ofHead: head / (headCount / keyValueHeadCount))
    }

    private func check(
        q: Operand,
        k: Operand,
        v: Operand,
        o: Operand,
        logSumExp: Matrix,
        scratch: FloatBuffer
    ) {
        let queryRowCount = visible.sequenceCount * visible.queryCount
        let queryExtents = [queryRowCount, headCount * headDimension]
        let keyExtents = [
            visible.sequenceCount * visible.keyCount, keyValueHeadCount * headDimension,
        ]
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
