import Kernels
import Testing

@Suite struct MatrixProductTests {
    static let extents = [
        (1, 1, 1), (3, 5, 7), (1, 33, 64), (17, 4, 300), (64, 96, 33), (130, 1, 8), (8, 576, 40),
    ]

    @Test(arguments: extents)
    func `all three forms agree with plain loops on strided views`(m: Int, n: Int, k: Int) {
        var sample = Sample(seed: UInt64(m * 1000 + n * 10 + k))
        let a = sample.matrix(m, k)
        let b = sample.matrix(k, n)
        let expected = a * b
        for adds in [false, true] {
            let start = sample.matrix(m, n)
            var sum = expected
            for index in sum.values.indices {
                sum.values[index] = 0.5 * sum.values[index] + (adds ? start.values[index] : 0)
            }
            for form in 0..<3 {
                let c = OwnedMatrix(start, gap: 3)
                let left = OwnedMatrix(form == 2 ? a.transposed : a, gap: 2)
                let right = OwnedMatrix(form == 1 ? b.transposed : b, gap: 1)
                switch form {
                case 0:
                    MatrixProduct.multiply(
                        left.operand, right.operand, into: c.matrix, scale: 0.5, adds: adds)
                case 1:
                    MatrixProduct.multiplyTransposed(
                        left.operand, right.operand, into: c.matrix, scale: 0.5, adds: adds)
                default:
                    MatrixProduct.multiplyTransposing(
                        left.operand, right.operand, into: c.matrix, scale: 0.5, adds: adds)
                }
                #expect(distance(c.matrix, sum) < 1e-5, "form \(form), adds \(adds)")
                let gaps = c.buffer.matrix(at: 0, rows: m, columns: n + 3).columns(n..<n + 3)
                #expect(gaps.values.allSatisfy { $0 == 77 })
            }
        }
    }

    @Test(arguments: ProductLibrary.available.map(\.name), extents)
    func `every library that is here agrees with plain loops`(
        name: String,
        extents: (m: Int, n: Int, k: Int)
    ) throws {
        let library = try #require(ProductLibrary.available.first { $0.name == name })
        let (m, n, k) = extents
        var sample = Sample(seed: 5)
        let a = sample.matrix(m, k)
        let b = sample.matrix(k, n)
        for transposes in [(false, false), (false, true), (true, false), (true, true)] {
            let left = OwnedMatrix(transposes.0 ? a.transposed : a, gap: 1)
            let right = OwnedMatrix(transposes.1 ? b.transposed : b, gap: 2)
            let c = OwnedMatrix(m, n, filledWith: 2)
            library.multiply(
                Product(
                    transposesA: transposes.0, transposesB: transposes.1, scale: 1, adds: true),
                left.matrix, right.matrix, c.matrix
            )
            var expected = a * b
            for index in expected.values.indices { expected.values[index] += 2 }
            #expect(distance(c.matrix, expected) < 1e-5, "\(transposes)")
        }
    }

    @Test func `a product over nothing is zero, or adds nothing`() {
        let c = OwnedMatrix(2, 3, filledWith: 4)
        let a = OwnedMatrix(2, 0)
        let b = OwnedMatrix(0, 3)
        MatrixProduct.multiply(a.operand, b.operand, into: c.matrix, adds: true)
        #expect(c.matrix.values.allSatisfy { $0 == 4 })
        MatrixProduct.multiply(a.operand, b.operand, into: c.matrix)
        #expect(c.matrix.values.allSatisfy { $0 == 0 })
    }

    @Test func `a product that is split over threads gives the same bits each time`() {
        var sample = Sample(seed: 9)
        let a = OwnedMatrix(sample.matrix(96, 200))
        let b = OwnedMatrix(sample.matrix(260, 200))
        let results = (0..<3).map { _ in
            let c = OwnedMatrix(96, 260)
            MatrixProduct.multiplyTransposed(a.operand, b.operand, into: c.matrix)
            return c.matrix.values.map(\.bitPattern)
        }
        #expect(Set(results).count == 1)
    }

    @Test func `the report names the library and the threads`() {
        #expect(KernelReport.line.contains(ProductLibrary.current.name))
        #expect(KernelReport.line.contains("thread"))
    }
}
