internal import CKernels

/// Root-mean-square normalisation of rows: y = w x / sqrt(mean(x^2) + epsilon).
///
/// Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
public enum RMSNorm {
    /// Shape: [row, channel], [1, channel] → [row, channel]; `y` may be `x`.
    ///
    /// - Complexity: O(rows x channels).
    public static func forward(_ x: Operand, weight: Matrix, epsilon: Float, into y: Operand) {
        forwardHeads(x, weight: weight, epsilon: epsilon, into: y, headCount: 1)
    }

    /// Norms each head of every row on its own, all with one weight.
    ///
    /// Shape: [row, head x channel], [1, channel] → [row, head x channel]; `y` may be `x`.
    ///
    /// - Complexity: O(rows x heads x channels).
    public static func forwardHeads(
        _ x: Operand,
        weight: Matrix,
        epsilon: Float,
        into y: Operand,
        headCount: Int
    ) {
        precondition(
            x.extents == y.extents && weight.extents == [1, x.columnCount / headCount]
                && x.columnCount % headCount == 0,
            "\(x.extents) in \(headCount) heads with weight \(weight.extents) into \(y.extents)"
        )
        let width = weight.columnCount
        ComputeThreads.split(rowCount: x.rowCount) { range in
            for head in 0..<headCount {
                let channels = head * width..<(head + 1) * width
                let x = x.rows(range).columns(channels)
                let y = y.rows(range).columns(channels)
                unsafe sk_rmsnorm_forward(
                    x.base, x.stride, x.isHalf, weight.base, epsilon, y.base, y.stride, y.isHalf,
                    x.rowCount, x.columnCount
                )
            }
        }
    }

    /// Adds the gradient through the norm to `gx`; the weight is frozen.
    ///
    /// Shape: `x`, `gy` and `gx` [row, channel].
    ///
    /// - Complexity: O(rows x channels).
    public static func backward(
        _ x: Operand,
        weight: Matrix,
        epsilon: Float,
        outputGradient gy: Matrix,
        addingTo gx: Matrix
    ) {
        precondition(weight.extents == [1, x.columnCount], "weight \(weight.extents)")
        backward(
            x, weight: weight, epsilon: epsilon, outputGradient: gy, gradient: gx, headCount: 1,
            keep: 1)
    }

    /// Replaces the gradient of normed heads by that of the heads before the norm.
    ///
    /// Shape: `x` and `gradient` [row, head x channel], the weight [1, channel].
    ///
    /// - Complexity: O(rows x heads x channels).
    public static func backwardHeads(
        _ x: Operand,
        weight: Matrix,
        epsilon: Float,
        gradient: Matrix,
        headCount: Int
    ) {
        backward(
            x, weight: weight, epsilon: epsilon, outputGradient: gradient, gradient: gradient,
            headCount: headCount, keep: 0)
    }

    private static func backward(
        _ x: Operand,
        weight: Matrix,
        epsilon: Float,
        outputGradient gy: Matrix,
        gradient gx: Matrix,
        headCount: Int,
        keep: Float
    ) {
        precondition(
            x.extents == gy.extents && x.extents == gx.extents
                && weight.columnCount * headCount == x.columnCount,
            "\(x.extents) with weight \(weight.extents), \(gy.extents) into \(gx.extents)"
        )
        let width = weight.columnCount
        ComputeThreads.split(rowCount: x.rowCount) { range in
            for head in 0..<headCount {
                let channels = head * width..<(head + 1) * width
                let x = x.rows(range).columns(channels)
                let gy = gy.rows(range).columns(channels)
                let gx = gx.rows(range).columns(channels)
                unsafe sk_rmsnorm_backward(
                    x.base, x.stride, x.isHalf, weight.base, epsilon, gy.base, gy.stride, gx.base,
                    gx.stride, keep, x.rowCount, x.columnCount
                )
            }
        }
    }
}
