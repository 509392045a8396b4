/// A = Q R by Householder reflections, with additions, multiplications, divisions and square roots
/// in one fixed order.
///
/// Q is kept as reflections. It has min(rows, columns) columns; R is as wide as A.
struct HouseholderFactorization {
    /// R below and on the diagonal's right; the reflections' vectors lie in ``reflections``.
    private(set) var reduced: ColumnMatrix
    private var reflections: ColumnMatrix
    private var factors: [Double]

    /// The number of columns of Q.
    var reflectionCount: Int { factors.count }

    /// - Complexity: O(rows x columns x min(rows, columns)).
    init(_ matrix: ColumnMatrix) {
        let count = min(matrix.rowCount, matrix.columnCount)
        reduced = matrix
        reflections = ColumnMatrix(zerosOf: matrix.rowCount, by: count)
        factors = [Double](repeating: 0, count: count)
        for index in 0..<count { reflect(index) }
    }

    /// Takes the part of a column below the diagonal to zero.
    private mutating func reflect(_ index: Int) {
        let rowCount = reduced.rowCount
        let start = index * rowCount + index
        let height = rowCount - index
        let squares = ColumnMatrix.product(
            reduced.values, start, reduced.values, start, count: height)
        guard squares > 0 else { return }
        let head = reduced[index, index]
        // Away from the head's sign, so that nothing cancels.
        let pivot = head > 0 ? -squares.squareRoot() : squares.squareRoot()
        for row in index..<rowCount { reflections[row, index] = reduced[row, index] }
        reflections[index, index] = head - pivot
        // v^T v = 2 (squares - head pivot)
        factors[index] = 1 / (squares - head * pivot)
        for column in index..<reduced.columnCount {
            Self.reflect(
                &reduced, column: column, by: reflections, index, factor: factors[index])
        }
        reduced[index, index] = pivot
        for row in (index + 1)..<max(rowCount, index + 1) { reduced[row, index] = 0 }
    }

    /// Takes v (v^T column) / (v^T v / 2) from a column.
    private static func reflect(
        _ matrix: inout ColumnMatrix, column: Int, by reflections: ColumnMatrix, _ index: Int,
        factor: Double
    ) {
        let rowCount = matrix.rowCount
        let height = rowCount - index
        let to = column * rowCount + index
        let from = index * rowCount + index
        let product = ColumnMatrix.product(
            reflections.values, from, matrix.values, to, count: height)
        let share = product * factor
        for row in 0..<height {
            matrix.values[to + row] -= reflections.values[from + row] * share
        }
    }

    /// The first rows of R: [min(rows, columns), columns].
    var upper: ColumnMatrix {
        var upper = ColumnMatrix(zerosOf: reflectionCount, by: reduced.columnCount)
        for column in 0..<reduced.columnCount {
            for row in 0..<min(reflectionCount, column + 1) {
                upper[row, column] = reduced[row, column]
            }
        }
        return upper
    }

    /// Q times a matrix of as many rows as Q has columns.
    ///
    /// - Complexity: O(rows x reflections x the matrix's columns).
    func orthogonal(times matrix: ColumnMatrix) -> ColumnMatrix {
        precondition(
            matrix.rowCount == reflectionCount,
            "\(matrix.rowCount) rows for \(reflectionCount) reflections")
        var result = ColumnMatrix(zerosOf: reflections.rowCount, by: matrix.columnCount)
        for column in 0..<matrix.columnCount {
            for row in 0..<matrix.rowCount { result[row, column] = matrix[row, column] }
            for index in (0..<reflectionCount).reversed() where factors[index] != 0 {
                Self.reflect(
                    &result, column: column, by: reflections, index, factor: factors[index])
            }
        }
        return result
    }
}
