/// A dense matrix of Doubles, one column after another.
///
/// Its products add in one fixed order with plain additions and multiplications, so that they have
/// the same bits on every machine.
struct ColumnMatrix: Equatable, Sendable {
    let rowCount: Int
    let columnCount: Int
    /// Element (row, column) is at `column * rowCount + row`.
    var values: [Double]

    init(zerosOf rowCount: Int, by columnCount: Int) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        values = [Double](repeating: 0, count: rowCount * columnCount)
    }

    subscript(row: Int, column: Int) -> Double {
        get { values[column * rowCount + row] }
        set { values[column * rowCount + row] = newValue }
    }

    /// The other way round.
    var transposed: ColumnMatrix {
        var other = ColumnMatrix(zerosOf: columnCount, by: rowCount)
        for column in 0..<columnCount {
            for row in 0..<rowCount { other[column, row] = self[row, column] }
        }
        return other
    }

    /// The scalar product of two columns, summed in four interleaved sums from the top.
    func product(ofColumn left: Int, withColumn right: Int) -> Double {
        Self.product(values, left * rowCount, values, right * rowCount, count: rowCount)
    }

    /// self^T other: entry (i, j) is the product of column i with the other's column j.
    ///
    /// - Complexity: O(rows x columns x the other's columns).
    func transposedTimes(_ other: ColumnMatrix) -> ColumnMatrix {
        precondition(
            rowCount == other.rowCount, "\(rowCount) rows against \(other.rowCount)")
        var result = ColumnMatrix(zerosOf: columnCount, by: other.columnCount)
        for right in 0..<other.columnCount {
            for left in 0..<columnCount {
                result[left, right] = Self.product(
                    values, left * rowCount, other.values, right * rowCount, count: rowCount)
            }
        }
        return result
    }

    /// self other^T, summed over the columns from the first.
    ///
    /// - Complexity: O(rows x columns x the other's rows).
    func timesTransposed(_ other: ColumnMatrix) -> ColumnMatrix {
        precondition(
            columnCount == other.columnCount,
            "\(columnCount) columns against \(other.columnCount)")
        var result = ColumnMatrix(zerosOf: rowCount, by: other.rowCount)
        for index in 0..<columnCount {
            for column in 0..<other.rowCount {
                let factor = other[column, index]
                let from = index * rowCount
                let to = column * rowCount
                for row in 0..<rowCount {
                    result.values[to + row] += values[from + row] * factor
                }
            }
        }
        return result
    }

    static func product(
        _ left: [Double], _ leftStart: Int, _ right: [Double], _ rightStart: Int, count: Int
    ) -> Double {
        var (first, second, third, fourth) = (0.0, 0.0, 0.0, 0.0)
        var index = 0
        while index + 4 <= count {
            first += left[leftStart + index] * right[rightStart + index]
            second += left[leftStart + index + 1] * right[rightStart + index + 1]
            third += left[leftStart + index + 2] * right[rightStart + index + 2]
            fourth += left[leftStart + index + 3] * right[rightStart + index + 3]
            index += 4
        }
        while index < count {
            first += left[leftStart + index] * right[rightStart + index]
            index += 1
        }
        return (first + second) + (third + fourth)
    }
}
