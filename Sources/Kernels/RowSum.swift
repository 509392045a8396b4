internal import CKernels

/// Sums over rows.
public enum RowSum {
    /// Adds a vector to every row.
    ///
    /// Shape: [1, channel], [row, channel].
    ///
    /// - Complexity: O(rows x channels).
    public static func add(_ vector: Matrix, toRowsOf rows: Matrix) {
        precondition(
            vector.extents == [1, rows.columnCount],
            "\(vector.extents) onto rows of \(rows.extents)"
        )
        ComputeThreads.split(rowCount: rows.rowCount) { range in
            let rows = rows.rows(range)
            unsafe sk_add_rows(
                rows.base, rows.stride, vector.base, 0, rows.rowCount, rows.columnCount)
        }
    }

    /// Adds rows to as many others.
    ///
    /// Shape: [row, channel], [row, channel].
    ///
    /// - Complexity: O(rows x channels).
    public static func add(rows: Matrix, to sums: Matrix) {
        precondition(rows.extents == sums.extents, "\(rows.extents) onto \(sums.extents)")
        ComputeThreads.split(rowCount: sums.rowCount) { range in
            let (rows, sums) = (rows.rows(range), sums.rows(range))
            unsafe sk_add_rows(
                sums.base, sums.stride, rows.base, rows.stride, sums.rowCount, sums.columnCount)
        }
    }

    /// Adds the sum over all rows, times a factor: how the gradient of a bias adds up.
    ///
    /// Shape: [row, channel], [1, channel].
    ///
    /// - Complexity: O(rows x channels).
    public static func addColumnSums(of rows: Operand, to sums: Matrix, scale: Float = 1) {
        precondition(
            sums.extents == [1, rows.columnCount],
            "rows of \(rows.extents) into \(sums.extents)"
        )
        ComputeThreads.split(rowCount: rows.columnCount, grain: 64) { range in
            let (rows, sums) = (rows.columns(range), sums.columns(range))
            unsafe sk_add_column_sums(
                rows.base, rows.stride, scale, sums.base, rows.rowCount, rows.columnCount,
                rows.isHalf)
        }
    }
}
