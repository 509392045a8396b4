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
}
