import Kernels
import Testing

/// Products of bfloat16 values; sums are Float32, so the tolerance is that of Float32 on inputs
/// that were rounded before.
@Suite struct BFloat16ProductTests {
    @Test(arguments: ProductLibrary.available.map(\.name), MatrixProductTests.extents)
    func `every library that is here agrees with plain loops on rounded inputs`(
        name: String,
        extents: (m: Int, n: Int, k: Int)
    ) throws {
        let library = try #require(ProductLibrary.available.first { $0.name == name })
        let (m, n, k) = extents
        var sample = Sample(seed: 15)
        let a = OwnedOperand(sample.matrix(m, k), .bfloat16).reference
        let b = OwnedOperand(sample.matrix(k, n), .bfloat16).reference
        let start = sample.matrix(m, n)
        let product = a * b
        for form in 0..<8 {
            let (transposesA, transposesB, adds) = (form & 1 != 0, form & 2 != 0, form & 4 != 0)
            let left = OwnedOperand(transposesA ? a.transposed : a, .bfloat16, gap: 1)
            let right = OwnedOperand(transposesB ? b.transposed : b, .bfloat16, gap: 2)
            let c = OwnedMatrix(start, gap: 3)
            guard
                case .bfloat16(let leftView) = left.operand,
                case .bfloat16(let rightView) = right.operand
            else { throw Failure.otherType }
            library.multiplyBFloat16(
                Product(
                    transposesA: transposesA, transposesB: transposesB, scale: -1.5, adds: adds),
                leftView, rightView, c.matrix
            )
            var expected = product
            for index in expected.values.indices {
                expected.values[index] =
                    -1.5 * product.values[index] + (adds ? start.values[index] : 0)
            }
            #expect(distance(c.matrix, expected) < 1e-5, "form \(form)")
            let gaps = c.buffer.matrix(at: 0, rows: m, columns: n + 3).columns(n..<n + 3)
            #expect(gaps.values.allSatisfy { $0 == 77 })
        }
    }

    enum Failure: Error { case otherType }

    struct Split: CustomTestStringConvertible {
        var type: ComputeType
        var extents: (m: Int, n: Int, k: Int)

        var testDescription: String { "\(extents), \(type)" }
    }

    /// Large enough for four parts, with the columns or the rows split.
    static let splits = ComputeType.allCases.flatMap { type in
        [(m: 40, n: 213, k: 250), (m: 213, n: 40, k: 250)].map { Split(type: type, extents: $0) }
    }

    static let threadCounts = [1, 2, 3, 5]

    @Test(arguments: splits)
    func `products that are split over threads are right and repeat bit for bit`(split: Split) {
        let (m, n, k) = split.extents
        var sample = Sample(seed: 16)
        let a = OwnedOperand(sample.matrix(m, k), split.type, gap: 1)
        let b = OwnedOperand(sample.matrix(k, n), split.type)
        let expected = a.reference * b.reference
        let transposedA = OwnedOperand(a.reference.transposed, split.type)
        let transposedB = OwnedOperand(b.reference.transposed, split.type, gap: 2)
        for threadCount in Self.threadCounts {
            ComputeThreads.with(count: threadCount) {
                var bits: Set<[UInt32]> = []
                for _ in 0..<3 {
                    let c = (0..<3).map { _ in OwnedMatrix(m, n, filledWith: 5) }
                    MatrixProduct.multiply(a.operand, b.operand, into: c[0].matrix)
                    MatrixProduct.multiplyTransposed(
                        a.operand, transposedB.operand, into: c[1].matrix)
                    MatrixProduct.multiplyTransposing(
                        transposedA.operand, b.operand, into: c[2].matrix)
                    for result in c { #expect(distance(result.matrix, expected) < 1e-5) }
                    bits.insert(c.flatMap { $0.matrix.values.map(\.bitPattern) })
                }
                #expect(bits.count == 1, "\(threadCount) threads")
            }
        }
    }

    @Test(arguments: splits)
    func `terms of low rank go to their columns, whoever computes them`(split: Split) {
        let (m, n, k) = split.extents
        var sample = Sample(seed: 17)
        let x = OwnedOperand(sample.matrix(m, k), split.type)
        let weight = OwnedOperand(sample.matrix(n, k), split.type)
        // Two terms that don't meet, and one over all columns.
        let state = OwnedOperand(sample.matrix(m, 8), split.type, gap: 1)
        let down = OwnedOperand(sample.matrix(8, n), split.type)
        var expected = x.reference * weight.reference.transposed
        add(state.reference * down.reference, to: &expected, from: 0)
        var terms = [LowRankTerm(left: state.operand, times: down.operand)]
        for (columns, ranks) in [(3..<17, 0..<4), (20..<n, 4..<8)] {
            let factor = OwnedOperand(sample.matrix(columns.count, 4), split.type)
            let left = state.operand.columns(ranks)
            terms.append(
                LowRankTerm(columns: columns, left: left, timesTransposed: factor.operand))
            add(
                left.reference * factor.reference.transposed, to: &expected,
                from: columns.lowerBound)
        }
        for index in expected.values.indices { expected.values[index] += 2 }
        for threadCount in Self.threadCounts {
            ComputeThreads.with(count: threadCount) {
                let y = OwnedMatrix(m, n, filledWith: 2)
                FrozenWeight(weight.operand).multiplyTransposed(
                    x.operand, into: y.matrix, adds: true, terms: terms)
                #expect(distance(y.matrix, expected) < 1e-5, "\(threadCount) threads")
            }
        }
    }

    private func add(
        _ term: ReferenceMatrix,
        to sum: inout ReferenceMatrix,
        from column: Int
    ) {
        for row in 0..<term.rowCount {
            for index in 0..<term.columnCount {
                sum[row, column + index] += term[row, index]
            }
        }
    }
}
