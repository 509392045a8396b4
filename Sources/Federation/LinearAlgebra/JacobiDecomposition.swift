/// A = U diag(sigma) V^T by one-sided Jacobi rotations in cyclic order.
///
/// Only additions, multiplications, divisions and square roots in one fixed order: the same bits
/// on every machine that computes as IEEE 754 says.
///
/// Source: Hestenes 1958; the rotation as in Golub and Van Loan, "Matrix Computations", on Jacobi
/// methods.
struct JacobiDecomposition {
    /// The singular values, descending; as many as the shorter side.
    let singularValues: [Double]
    /// U: [rows, count].
    let left: ColumnMatrix
    /// V: [columns, count].
    let right: ColumnMatrix

    /// Sweeps after which the rotations stop in any case; a handful is usual.
    private static let sweepCountMax = 60
    /// Columns this orthogonal to each other are left alone: four units in the last place.
    private static let tolerance = 0x1p-50

    /// - Complexity: O(sweeps x rows x columns x min(rows, columns)).
    init(_ matrix: ColumnMatrix) {
        let isWide = matrix.columnCount > matrix.rowCount
        var columns = isWide ? matrix.transposed : matrix
        let count = columns.columnCount
        var basis = ColumnMatrix(zerosOf: count, by: count)
        for index in 0..<count { basis[index, index] = 1 }
        let squares = ColumnMatrix.product(
            columns.values, 0, columns.values, 0, count: columns.values.count)
        // A column this short is rounding noise; turning it would go on for ever.
        let negligible = squares * 0x1p-104
        for _ in 0..<Self.sweepCountMax {
            guard Self.sweep(&columns, &basis, negligible: negligible) else { break }
        }
        let lengths = (0..<count).map {
            columns.product(ofColumn: $0, withColumn: $0).squareRoot()
        }
        let order = (0..<count).sorted {
            (lengths[$1], $0) < (lengths[$0], $1)
        }
        var first = ColumnMatrix(zerosOf: columns.rowCount, by: count)
        var second = ColumnMatrix(zerosOf: count, by: count)
        for (place, index) in order.enumerated() {
            for row in 0..<columns.rowCount where lengths[index] > 0 {
                first[row, place] = columns[row, index] / lengths[index]
            }
            for row in 0..<count { second[row, place] = basis[row, index] }
        }
        singularValues = order.map { lengths[$0] }
        left = isWide ? second : first
        right = isWide ? first : second
    }

    /// Turns every pair of columns once.
    ///
    /// - Returns: whether any was turned.
    private static func sweep(
        _ columns: inout ColumnMatrix, _ basis: inout ColumnMatrix, negligible: Double
    ) -> Bool {
        var hasTurned = false
        var squares = (0..<columns.columnCount).map {
            columns.product(ofColumn: $0, withColumn: $0)
        }
        for first in 0..<max(columns.columnCount - 1, 0) {
            for second in (first + 1)..<columns.columnCount {
                let (alpha, beta) = (squares[first], squares[second])
                guard alpha > negligible, beta > negligible else { continue }
                let gamma = columns.product(ofColumn: first, withColumn: second)
                guard abs(gamma) > tolerance * (alpha * beta).squareRoot() else { continue }
                hasTurned = true
                let zeta = (beta - alpha) / (2 * gamma)
                let root = abs(zeta) + (1 + zeta * zeta).squareRoot()
                let tangent = zeta < 0 ? -1 / root : 1 / root
                let cosine = 1 / (1 + tangent * tangent).squareRoot()
                turn(&columns, first, second, cosine: cosine, sine: cosine * tangent)
                turn(&basis, first, second, cosine: cosine, sine: cosine * tangent)
                squares[first] = alpha - tangent * gamma
                squares[second] = beta + tangent * gamma
            }
        }
        return hasTurned
    }

    private static func turn(
        _ matrix: inout ColumnMatrix, _ first: Int, _ second: Int, cosine: Double, sine: Double
    ) {
        let rowCount = matrix.rowCount
        let (left, right) = (first * rowCount, second * rowCount)
        for row in 0..<rowCount {
            let x = matrix.values[left + row]
            let y = matrix.values[right + row]
            matrix.values[left + row] = cosine * x - sine * y
            matrix.values[right + row] = sine * x + cosine * y
        }
    }
}
