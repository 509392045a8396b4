import Tensors
import Testing

@testable import Federation

struct LowRankSumTests {
    private func matrix(_ rows: Int, _ columns: Int, seed: UInt64) -> ColumnMatrix {
        var generator = SplitMix64(seed: seed)
        var matrix = ColumnMatrix(zerosOf: rows, by: columns)
        for index in matrix.values.indices { matrix.values[index] = generator.fraction() - 0.5 }
        return matrix
    }

    @Test(arguments: [(7, 3), (3, 7), (5, 5), (1, 4), (4, 1), (9, 0)])
    func `the factors of a matrix multiply to it and are orthogonal`(
        rows: Int, columns: Int
    ) {
        let matrix = matrix(rows, columns, seed: 3)
        let factors = HouseholderFactorization(matrix)
        let product = factors.orthogonal(times: factors.upper)
        #expect(distance(product.values, matrix.values) < 1e-14)
        var identity = ColumnMatrix(zerosOf: min(rows, columns), by: min(rows, columns))
        for index in 0..<min(rows, columns) { identity[index, index] = 1 }
        let orthogonal = factors.orthogonal(times: identity)
        #expect(
            distance(orthogonal.transposedTimes(orthogonal).values, identity.values) < 1e-14)
        for column in 0..<columns {
            for row in (column + 1)..<max(min(rows, columns), column + 1) {
                #expect(factors.upper[row, column] == 0)
            }
        }
    }

    @Test(arguments: [(6, 4), (4, 6), (12, 12), (1, 1)])
    func `singular values descend and rebuild the matrix`(rows: Int, columns: Int) {
        let matrix = matrix(rows, columns, seed: 5)
        let parts = JacobiDecomposition(matrix)
        #expect(parts.singularValues == parts.singularValues.sorted(by: >))
        var scaled = parts.left
        for column in 0..<scaled.columnCount {
            for row in 0..<scaled.rowCount {
                scaled[row, column] *= parts.singularValues[column]
            }
        }
        #expect(distance(scaled.timesTransposed(parts.right).values, matrix.values) < 1e-14)
        let squares = parts.singularValues.reduce(0) { $0 + $1 * $1 }
        let norm = matrix.values.reduce(0) { $0 + $1 * $1 }
        #expect(abs(squares - norm) < 1e-13)
    }

    @Test func `known singular values are found`() {
        // [[3, 0], [4, 5]] has sqrt 45 and sqrt 5.
        var matrix = ColumnMatrix(zerosOf: 2, by: 2)
        matrix.values = [3, 4, 0, 5]
        let values = JacobiDecomposition(matrix).singularValues
        #expect(abs(values[0] - 45.0.squareRoot()) < 1e-14)
        #expect(abs(values[1] - 5.0.squareRoot()) < 1e-14)
    }

    @Test func `a sum within the rank is kept whole and one beyond it is cut at its tail`() {
        var sum = LowRankSum(rowCount: 9, columnCount: 7)
        let (left, right) = (matrix(9, 3, seed: 1), matrix(7, 3, seed: 2))
        sum.add(2, left, right)
        sum.add(-0.5, matrix(9, 2, seed: 3), matrix(7, 2, seed: 4))
        var dense = left.timesTransposed(right).values.map { 2 * $0 }
        let other = matrix(9, 2, seed: 3).timesTransposed(matrix(7, 2, seed: 4))
        for index in dense.indices { dense[index] -= 0.5 * other.values[index] }
        for rank in [5, 6, 12] {
            let kept = sum.truncated(to: rank)
            #expect(kept.left.columnCount == rank)
            #expect(distance(kept.left.timesTransposed(kept.right).values, dense) < 1e-13)
            #expect(kept.droppedEnergy < 1e-28)
        }
        let whole = sum.truncated(to: 5)
        let cut = sum.truncated(to: 2)
        // Eckart and Young: what is missing has exactly the tail's energy.
        let missing = zip(cut.left.timesTransposed(cut.right).values, dense)
            .reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let tail = whole.singularValues.dropFirst(2).reduce(0) { $0 + $1 * $1 }
        let energy = whole.singularValues.reduce(0) { $0 + $1 * $1 }
        #expect(tail > 0.001)
        #expect(abs(missing - tail) < 1e-13)
        #expect(abs(cut.droppedEnergy - tail / energy) < 1e-14)
    }

    @Test func `halves are balanced and the greatest of each left column is positive`() {
        var sum = LowRankSum(rowCount: 8, columnCount: 5)
        sum.add(1, matrix(8, 4, seed: 6), matrix(5, 4, seed: 7))
        let kept = sum.truncated(to: 4)
        for column in 0..<4 {
            let left = kept.left.product(ofColumn: column, withColumn: column)
            let right = kept.right.product(ofColumn: column, withColumn: column)
            #expect(abs(left - right) < 1e-14)
            #expect(abs(left - kept.singularValues[column]) < 1e-14)
            let elements = (0..<8).map { kept.left[$0, column] }
            #expect(elements.max(by: { abs($0) < abs($1) }) ?? -1 > 0)
        }
        var negative = LowRankSum(rowCount: 8, columnCount: 5)
        negative.add(-1, matrix(8, 4, seed: 6), matrix(5, 4, seed: 7))
        let other = negative.truncated(to: 4)
        #expect(distance(other.left.values, kept.left.values) < 1e-12)
    }

    @Test func `a sum of nothing is zero`() {
        var sum = LowRankSum(rowCount: 3, columnCount: 4)
        sum.add(1, ColumnMatrix(zerosOf: 3, by: 2), ColumnMatrix(zerosOf: 4, by: 2))
        let kept = sum.truncated(to: 2)
        #expect(kept.left.values.allSatisfy { $0 == 0 })
        #expect(kept.singularValues == [0, 0])
        #expect(kept.droppedEnergy == 0)
        #expect(LowRankSum(rowCount: 3, columnCount: 4).truncated(to: 1).singularValues == [0])
    }
}
