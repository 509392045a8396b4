internal import CKernels

/// The loss of a language model's head, computed for some rows at a time so that the logits of a
/// batch never exist together.
///
/// loss = -log softmax(h W^T)[target], summed; gh = (softmax - onehot) W.
public struct CrossEntropy {
    private let chunkRowCount: Int
    private let head: FrozenWeight

    /// Prepares for a head of shape [V, channel].
    ///
    /// - Parameter chunkRowCount: rows whose logits exist at the same time. More make the products
    ///   with the head faster, which read all of it for every chunk.
    public init(head: FrozenWeight, chunkRowCount: Int) {
        precondition(chunkRowCount > 0, "chunks of \(chunkRowCount) rows")
        self.head = head
        self.chunkRowCount = chunkRowCount
    }

    /// The Float32 values of scratch that a loss over `rowCount` rows needs: the logits that exist
    /// at the same time.
    public func scratchCount(rowCount: Int) -> Int {
        min(chunkRowCount, rowCount) * head.rowCount
    }

    /// The summed loss in nats; each row's is added in `Double`, in order.
    ///
    /// Shape: hidden [row, channel], one target inside 0..<V per row.
    ///
    /// - Parameters:
    ///   - gradient: Shape: that of `hidden`; takes the gradient of loss x `scale`. `nil` where
    ///     nobody needs it.
    ///   - scale: not 0.
    ///   - scratch: a buffer with room for ``scratchCount(rowCount:)`` values from `offset` on.
    /// - Complexity: O(rows V channels).
    public func loss(
        hidden: Operand,
        targets: [Int32],
        gradient: Matrix? = nil,
        scale: Float = 1,
        scratch: FloatBuffer,
        offset: Int = 0
    ) -> Double {
        precondition(
            hidden.columnCount == head.columnCount && targets.count == hidden.rowCount
                && gradient?.extents ?? hidden.extents == hidden.extents && scale != 0
                && targets.allSatisfy { $0 >= 0 && $0 < head.rowCount },
            "\(hidden.extents) with \(targets.count) targets and a head of [\(head.rowCount), \(head.columnCount)]"
        )
        var sum = 0.0
        for lower in stride(from: 0, to: hidden.rowCount, by: chunkRowCount) {
            let rows = lower..<min(lower + chunkRowCount, hidden.rowCount)
            let logits = scratch.matrix(
                at: offset, rows: rows.count, columns: head.rowCount)
            head.multiplyTransposed(hidden.rows(rows), into: logits)
            // In place: a row of bfloat16 stands at the start of the row that it came from.
            let logitsGradient = scratch.matrix(
                at: offset,
                rows: rows.count,
                columns: head.rowCount * (hidden.type == .float32 ? 1 : 2),
                type: hidden.type
            ).columns(0..<head.rowCount)
            let losses = losses(
                logits,
                targets: targets[rows],
                scale: gradient == nil ? 0 : scale,
                gradient: logitsGradient
            )
            sum = losses.reduce(sum, +)
            if let gradient {
                head.multiply(logitsGradient, into: gradient.rows(rows))
            }
        }
        return sum
    }

    /// Turns logits into their gradient unless `scale` is 0.
    private func losses(
        _ logits: Matrix,
        targets: ArraySlice<Int32>,
        scale: Float,
        gradient: Operand
    ) -> [Double] {
        var losses = [Double](repeating: 0, count: logits.rowCount)
        unsafe losses.withUnsafeMutableBufferPointer { losses in
            unsafe targets.withUnsafeBufferPointer { targets in
                guard
                    let losses = losses.baseAddress,
                    let targets = targets.baseAddress
                else { return }
                ComputeThreads.split(rowCount: logits.rowCount, grain: 1) { range in
                    let rows = logits.rows(range)
                    let gradient = gradient.rows(range)
                    unsafe sk_cross_entropy(
                        rows.base, rows.stride, rows.rowCount, rows.columnCount,
                        targets + range.lowerBound, scale, losses + range.lowerBound,
                        gradient.base, gradient.stride, gradient.isHalf
                    )
                }
            }
        }
        return losses
    }
}
