/// A matrix of doubles for the plain twins of the kernels.
///
/// The twins say in the fewest words what the kernels compute. Nothing but tests uses them.
package struct ReferenceMatrix: Equatable {
    package let rowCount: Int
    package let columnCount: Int
    /// Row-major.
    package var values: [Double]

    package init(_ rowCount: Int, _ columnCount: Int, values: [Double]) {
        precondition(values.count == rowCount * columnCount, "\(values.count) values")
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.values = values
    }

    package init(_ rowCount: Int, _ columnCount: Int) {
        self.init(
            rowCount, columnCount, values: [Double](repeating: 0, count: rowCount * columnCount))
    }

    package subscript(row: Int, column: Int) -> Double {
        get { values[row * columnCount + column] }
        set { values[row * columnCount + column] = newValue }
    }

    package func row(_ row: Int) -> ArraySlice<Double> {
        values[row * columnCount..<(row + 1) * columnCount]
    }

    package var transposed: ReferenceMatrix {
        var result = ReferenceMatrix(columnCount, rowCount)
        for row in 0..<rowCount {
            for column in 0..<columnCount { result[column, row] = self[row, column] }
        }
        return result
    }

    package static func * (a: ReferenceMatrix, b: ReferenceMatrix) -> ReferenceMatrix {
        precondition(a.columnCount == b.rowCount, "\(a.columnCount) columns, \(b.rowCount) rows")
        var result = ReferenceMatrix(a.rowCount, b.columnCount)
        for row in 0..<a.rowCount {
            for column in 0..<b.columnCount {
                var sum = 0.0
                for index in 0..<a.columnCount { sum += a[row, index] * b[index, column] }
                result[row, column] = sum
            }
        }
        return result
    }
}
