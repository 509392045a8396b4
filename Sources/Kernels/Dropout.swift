internal import CKernels

/// Sets elements to zero at random and strengthens the others: y = x keep / (1 - p).
///
/// What is kept is a function of the mask and an element's place, and of nothing else: not of the
/// number of threads, of how rows are split between calls, or of what was drawn before. So the
/// backward pass, and a forward pass that is done again, draw the same.
///
/// Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from
/// overfitting", section 10, scaled while training.
public enum Dropout {
    /// Writes the kept elements; `y` may be `x` itself.
    ///
    /// Shape: [row, channel] → [row, channel]; row r is row `firstRow` + r of the mask.
    ///
    /// - Complexity: O(rows x channels).
    public static func apply(_ mask: DropoutMask, to x: Matrix, firstRow: Int = 0, into y: Matrix) {
        run(mask, x, firstRow: firstRow, y, adds: false)
    }

    /// Adds the kept elements to `y`, as a gradient on its way back needs it.
    ///
    /// Shape: [row, channel] → [row, channel]; row r is row `firstRow` + r of the mask.
    ///
    /// - Complexity: O(rows x channels).
    public static func add(_ mask: DropoutMask, to x: Matrix, firstRow: Int = 0, into y: Matrix) {
        run(mask, x, firstRow: firstRow, y, adds: true)
    }

    private static func run(
        _ mask: DropoutMask,
        _ x: Matrix,
        firstRow: Int,
        _ y: Matrix,
        adds: Bool
    ) {
        precondition(x.extents == y.extents && firstRow >= 0, "\(x.extents) into \(y.extents)")
        ComputeThreads.split(rowCount: x.rowCount) { range in
            let (x, y) = (x.rows(range), y.rows(range))
            unsafe sk_dropout(
                x.base, x.stride, y.base, y.stride, x.rowCount, x.columnCount,
                firstRow + range.lowerBound, mask.sequenceLength, mask.firstSequence, mask.plane,
                mask.key, mask.threshold, mask.scale, adds ? 1 : 0
            )
        }
    }
}
