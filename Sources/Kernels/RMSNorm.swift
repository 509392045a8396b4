internal import CKernels

/// Root-mean-square normalisation of rows: y = w x / sqrt(mean(x^2) + epsilon).
///
/// Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
public enum RMSNorm {
    /// Shape: [row, channel], [1, channel] → [row, channel]; `y` may be `x`.
    ///
    /// - Complexity: O(rows x channels).
    public static func forward(_ x: Matrix, weight: Matrix, epsilon: Float, into y: Matrix) {
        precondition(
            x.extents == y.extents && weight.extents == [1, x.columnCount],
            "\(x.extents) with weight \(weight.extents) into \(y.extents)"
        )
        ComputeThreads.split(rowCount: x.rowCount) { range in
            let (x, y) = (x.rows(range), y.rows(range))
            unsafe sk_rmsnorm_forward(
                x.base, x.stride, weight.base, epsilon, y.base, y.stride, x.rowCount, x.columnCount
            )
        }
    }

    /// Adds the gradient through the norm to `gx`; the weight is frozen.
    ///
    /// Shape: `x`, `gy` and `gx` [row, channel].
    ///
    /// - Complexity: O(rows x channels).
    public static func backward(
        _ x: Matrix,
        weight: Matrix,
        epsilon: Float,
        outputGradient gy: Matrix,
        addingTo gx: Matrix
    ) {
        precondition(
            x.extents == gy.extents && x.extents == gx.extents
                && weight.extents == [1, x.columnCount],
            "\(x.extents) with weight \(weight.extents), \(gy.extents) into \(gx.extents)"
        )
        ComputeThreads.split(rowCount: x.rowCount) { range in
            let (x, gy, gx) = (x.rows(range), gy.rows(range), gx.rows(range))
            unsafe sk_rmsnorm_backward(
                x.base, x.stride, weight.base, epsilon, gy.base, gy.stride, gx.base, gx.stride,
                x.rowCount, x.columnCount
            )
        }
    }
}
