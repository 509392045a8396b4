/// A sum of products of low rank that is never multiplied out.
///
/// Its best approximation of a given rank comes from the factors alone: QR of the stacked left and
/// right factors, then the singular value decomposition of the small core between them.
///
/// Source: the truncation is Eckart and Young's; the factored form is FLoRIST's, here
/// reconstructed from its description.
struct LowRankSum {
    private let rowCount: Int
    private let columnCount: Int
    private var left: [Double] = []
    private var right: [Double] = []

    /// An empty sum of matrices [rows, columns].
    init(rowCount: Int, columnCount: Int) {
        self.rowCount = rowCount
        self.columnCount = columnCount
    }

    /// Adds coefficient x left right^T, with left [rows, k] and right [columns, k].
    mutating func add(_ coefficient: Double, _ left: ColumnMatrix, _ right: ColumnMatrix) {
        precondition(
            left.rowCount == rowCount && right.rowCount == columnCount
                && left.columnCount == right.columnCount, "a term of another shape")
        self.left += left.values.map { coefficient * $0 }
        self.right += right.values
    }

    /// The best factors of at most that rank.
    struct Truncated {
        /// U sqrt(sigma): [rows, rank], the columns of no value zero.
        let left: ColumnMatrix
        /// V sqrt(sigma): [columns, rank].
        let right: ColumnMatrix
        /// The singular values that were kept, `rank` many, with zeros at the end.
        let singularValues: [Double]
        /// The share of the squared singular values that was dropped, 0...1.
        let droppedEnergy: Double
    }

    /// The balanced factors of the best approximation of that rank.
    ///
    /// The sign of a pair of columns is fixed: the first among the left column's elements of
    /// greatest magnitude is positive.
    ///
    /// - Complexity: O((rows + columns) s^2 + s^3) with s the sum's rank, or the sides where they
    ///   are shorter.
    func truncated(to rank: Int) -> Truncated {
        let leftFactors = HouseholderFactorization(matrix(left, rowCount))
        let rightFactors = HouseholderFactorization(matrix(right, columnCount))
        let core = leftFactors.upper.timesTransposed(rightFactors.upper)
        let decomposition = JacobiDecomposition(core)
        let count = min(rank, decomposition.singularValues.count)
        var small = ColumnMatrix(zerosOf: core.rowCount, by: rank)
        var smallRight = ColumnMatrix(zerosOf: core.columnCount, by: rank)
        for index in 0..<count {
            let root = decomposition.singularValues[index].squareRoot()
            for row in 0..<core.rowCount {
                small[row, index] = decomposition.left[row, index] * root
            }
            for row in 0..<core.columnCount {
                smallRight[row, index] = decomposition.right[row, index] * root
            }
        }
        var kept = ColumnMatrix(zerosOf: rowCount, by: rank)
        var keptRight = ColumnMatrix(zerosOf: columnCount, by: rank)
        kept.values = leftFactors.orthogonal(times: small).values
        keptRight.values = rightFactors.orthogonal(times: smallRight).values
        for index in 0..<count { Self.fixSign(&kept, &keptRight, index) }
        let squares = decomposition.singularValues.map { $0 * $0 }
        let total = squares.reduce(0, +)
        let dropped = squares.dropFirst(count).reduce(0, +)
        return Truncated(
            left: kept, right: keptRight,
            singularValues: Array(decomposition.singularValues.prefix(count))
                + [Double](repeating: 0, count: rank - count),
            droppedEnergy: total > 0 ? dropped / total : 0)
    }

    private func matrix(_ values: [Double], _ rowCount: Int) -> ColumnMatrix {
        var matrix = ColumnMatrix(
            zerosOf: rowCount, by: rowCount > 0 ? values.count / rowCount : 0)
        matrix.values = values
        return matrix
    }

    private static func fixSign(
        _ left: inout ColumnMatrix, _ right: inout ColumnMatrix, _ column: Int
    ) {
        var greatest = 0.0
        for row in 0..<left.rowCount where abs(left[row, column]) > abs(greatest) {
            greatest = left[row, column]
        }
        guard greatest < 0 else { return }
        for row in 0..<left.rowCount { left[row, column] = -left[row, column] }
        for row in 0..<right.rowCount { right[row, column] = -right[row, column] }
    }
}
