import Kernels
import Testing

@Suite struct ThinProductTests {
    struct Case: CustomTestStringConvertible {
        var type: ComputeType
        var rows: Int
        var rank: Int
        var depth: Int

        var testDescription: String { "\(rows) x \(depth) with \(rank), \(type)" }
    }

    static let cases = ComputeType.allCases.flatMap { type in
        [
            (1, 1, 1), (2, 3, 31), (3, 8, 32), (17, 9, 33), (40, 16, 65), (5, 24, 100),
            (64, 7, 128),
        ].map { Case(type: type, rows: $0.0, rank: $0.1, depth: $0.2) }
    }

    @Test(arguments: cases)
    func `all three forms agree with plain loops on strided views`(test: Case) {
        var sample = Sample(seed: UInt64(test.rows + test.rank))
        let x = OwnedOperand(sample.matrix(test.rows, test.depth), test.type, gap: 3)
        let y = OwnedOperand(sample.matrix(test.rank, test.depth), test.type, gap: 1)
        let turned = OwnedOperand(y.reference.transposed, test.type, gap: 2)
        let b = OwnedOperand(sample.matrix(test.rows, test.rank), test.type, gap: 1)
        var expected = x.reference * y.reference.transposed
        for index in expected.values.indices { expected.values[index] *= -0.5 }
        let before = sample.matrix(test.depth, test.rank)
        var sum = x.reference.transposed * b.reference
        for index in sum.values.indices { sum.values[index] += before.values[index] }
        let scratch = FloatBuffer(count: test.depth * test.rank)
        for threadCount in 1...3 {
            ComputeThreads.with(count: threadCount) {
                let c = (0..<2).map { _ in
                    OwnedMatrix(ReferenceMatrix(test.rows, test.rank), gap: 2)
                }
                ThinProduct.multiplyTransposed(
                    x.operand, y.operand, into: c[0].matrix, scale: -0.5)
                ThinProduct.multiply(x.operand, turned.operand, into: c[1].matrix, scale: -0.5)
                for result in c {
                    #expect(distance(result.matrix, expected) < 1e-5)
                    let gaps = result.buffer.matrix(
                        at: 0, rows: test.rows, columns: test.rank + 2)
                    #expect(
                        gaps.columns(test.rank..<test.rank + 2).values.allSatisfy { $0 == 77 })
                }
                let added = OwnedMatrix(before, gap: 1)
                ThinProduct.addTransposing(
                    x.operand, b.operand, to: added.matrix, scratch: scratch)
                #expect(distance(added.matrix, sum) < 1e-5)
            }
        }
    }

    /// With one row of ones, each sum shows which product it is.
    @Test func `sums come out in the order of the rows`() {
        var rows = ReferenceMatrix(16, 40)
        for row in 0..<16 { rows[row, 0] = Double(row + 1) }
        let ones = ReferenceMatrix(3, 40, values: [Double](repeating: 1, count: 120))
        let c = OwnedMatrix(3, 16)
        ThinProduct.multiplyTransposed(
            OwnedOperand(ones, .bfloat16).operand, OwnedOperand(rows, .bfloat16).operand,
            into: c.matrix)
        let expected = (1...16).map { Float($0) }
        #expect(c.matrix.values == expected + expected + expected)
    }
}
