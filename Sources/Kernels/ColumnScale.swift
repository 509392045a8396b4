internal import CKernels

/// A matrix whose columns are multiplied by factors: y = scale x diag(f).
public enum ColumnScale {
    /// Shape: [row, column], [1, column] → [row, column].
    ///
    /// - Complexity: O(elements).
    public static func forward(_ x: Matrix, factors: Matrix, scale: Float, into y: Matrix) {
        precondition(
            x.extents == y.extents && factors.extents == [1, x.columnCount],
            "\(x.extents) by \(factors.extents) into \(y.extents)"
        )
        unsafe sk_scale_columns(
            x.base, x.stride, factors.base, scale, y.base, y.stride, x.rowCount, x.columnCount)
    }

    /// Adds the gradients of both factors: gx += scale gy diag(f), gf += scale (column sums of x gy).
    ///
    /// Shape: that of each value.
    ///
    /// - Complexity: O(elements).
    public static func backward(
        _ x: Matrix,
        factors: Matrix,
        scale: Float,
        outputGradient gy: Matrix,
        addingTo gx: Matrix,
        factorGradient gf: Matrix
    ) {
        precondition(
            x.extents == gy.extents && x.extents == gx.extents
                && factors.extents == [1, x.columnCount] && gf.extents == factors.extents,
            "\(x.extents) by \(factors.extents) with \(gy.extents) into \(gx.extents)"
        )
        unsafe sk_scale_columns_backward(
            x.base, x.stride, factors.base, scale, gy.base, gy.stride, gx.base, gx.stride, gf.base,
            x.rowCount, x.columnCount)
    }
}
