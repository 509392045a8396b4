import Kernels
import Testing

@Suite struct RowKernelTests {
    static let extents = [(1, 1), (3, 5), (7, 16), (40, 33)]

    @Test(arguments: extents)
    func `the RMS norm and its gradient agree with plain loops`(rows: Int, columns: Int) {
        var sample = Sample(seed: UInt64(rows * columns))
        let x = sample.matrix(rows, columns)
        let weight = sample.matrix(1, columns)
        let gy = sample.matrix(rows, columns)
        let before = sample.matrix(rows, columns)
        let owned = OwnedMatrix(x, gap: 2)
        let ownedWeight = OwnedMatrix(weight)
        let y = OwnedMatrix(rows, columns)
        RMSNorm.forward(
            owned.operand, weight: ownedWeight.matrix, epsilon: 1e-5, into: y.operand)
        let expected = ReferenceRMSNorm.forward(x, weight: weight.values, epsilon: 1e-5)
        #expect(distance(y.matrix, expected) < 1e-5)
        let gx = OwnedMatrix(before, gap: 1)
        RMSNorm.backward(
            owned.operand, weight: ownedWeight.matrix, epsilon: 1e-5,
            outputGradient: OwnedMatrix(gy).matrix, addingTo: gx.matrix)
        var sum = ReferenceRMSNorm.backward(
            x, weight: weight.values, epsilon: 1e-5, outputGradient: gy)
        for index in sum.values.indices { sum.values[index] += before.values[index] }
        #expect(distance(gx.matrix, sum) < 2e-5)
    }

    @Test func `the RMS norm's gradient is the slope of its values`() {
        var sample = Sample(seed: 3)
        let x = sample.matrix(2, 6)
        let weight = sample.matrix(1, 6).values
        let gy = sample.matrix(2, 6)
        let slope = finiteDifferences(
            of: { ReferenceRMSNorm.forward($0, weight: weight, epsilon: 1e-5) },
            at: x,
            weights: gy
        )
        let gradient = ReferenceRMSNorm.backward(
            x, weight: weight, epsilon: 1e-5, outputGradient: gy)
        #expect(distance(gradient.values, slope.values) < 1e-7)
    }

    @Test(arguments: extents)
    func `the gated unit and its gradient agree with plain loops, in place too`(
        rows: Int,
        columns: Int
    ) {
        var sample = Sample(seed: UInt64(rows + columns))
        var gateUp = sample.matrix(rows, 2 * columns)
        // Far out on both sides the sigmoid is 0 or 1.
        for index in gateUp.values.indices { gateUp.values[index] *= index % 5 == 0 ? 100 : 6 }
        let gh = sample.matrix(rows, columns)
        let owned = OwnedMatrix(gateUp, gap: 2)
        let h = OwnedMatrix(rows, columns)
        SwiGLU.forward(gateUp: owned.operand, into: h.operand)
        #expect(distance(h.matrix, ReferenceSwiGLU.forward(gateUp: gateUp)) < 1e-5)
        let expected = ReferenceSwiGLU.backward(gateUp: gateUp, outputGradient: gh)
        let gradient = OwnedMatrix(rows, 2 * columns)
        let ownedGradient = OwnedMatrix(gh)
        SwiGLU.backward(
            gateUp: owned.operand, outputGradient: ownedGradient.matrix, into: gradient.operand)
        #expect(distance(gradient.matrix, expected) < 1e-5)
        SwiGLU.backward(
            gateUp: owned.operand, outputGradient: ownedGradient.matrix, into: owned.operand)
        #expect(distance(owned.matrix, expected) < 1e-5)
    }

    @Test func `the gated unit's gradient is the slope of its values`() {
        var sample = Sample(seed: 4)
        let x = sample.matrix(2, 10)
        let gh = sample.matrix(2, 5)
        let slope = finiteDifferences(of: ReferenceSwiGLU.forward, at: x, weights: gh)
        let gradient = ReferenceSwiGLU.backward(gateUp: x, outputGradient: gh)
        #expect(distance(gradient.values, slope.values) < 1e-7)
    }

    @Test(arguments: [(1, 2, 1, 0), (6, 8, 3, 0), (20, 64, 10, 7)])
    func `rotation agrees with plain loops and its inverse undoes it`(
        rows: Int,
        headDimension: Int,
        length: Int,
        offset: Int
    ) {
        var sample = Sample(seed: UInt64(rows))
        let x = sample.matrix(rows, 3 * headDimension)
        let owned = OwnedMatrix(x, gap: 4)
        let rotary = RotaryEmbedding(headDimension: headDimension, theta: 10000)
        rotary.apply(to: owned.matrix, length: length, offset: offset)
        let expected = ReferenceRotaryEmbedding.apply(
            to: x, headDimension: headDimension, theta: 10000, length: length, offset: offset)
        #expect(distance(owned.matrix, expected) < 1e-5)
        rotary.apply(to: owned.matrix, length: length, offset: offset, inverse: true)
        #expect(distance(owned.matrix, x) < 1e-5)
    }

    @Test(arguments: [
        [0, 1, 2, 3, 0, 1, 2, 0], [5, 5, 4, 90, 91, 7, 8, 0], [0, 0, 0, 0, 0, 0, 0, 0],
        [300, 301, 302, 303, 304, 305, 306, 307],
    ])
    func `every row turns by its own position, and its inverse undoes it`(positions: [Int32]) {
        var sample = Sample(seed: 11)
        let frequencies: [Float] = [1, 0.25, 0.125, 0.0078125]
        for copies in [1, 7] {
            let positions = [[Int32]](repeating: positions, count: copies).flatMap(\.self)
            let x = sample.matrix(positions.count, 24)
            let owned = OwnedMatrix(x, gap: 3)
            let rotary = RotaryEmbedding(headDimension: 8, frequencies: frequencies)
            rotary.apply(to: owned.matrix, positions: positions)
            let expected = ReferenceRotaryEmbedding.apply(
                to: x, headDimension: 8, frequencies: frequencies.map { Double($0) },
                positions: positions.map { Int($0) })
            #expect(distance(owned.matrix, expected) < 1e-5)
            rotary.apply(to: owned.matrix, positions: positions, inverse: true)
            #expect(distance(owned.matrix, x) < 1e-5)
        }
    }

    @Test func `positions that rise by one are those of a length`() {
        var sample = Sample(seed: 12)
        let x = sample.matrix(10, 16)
        let (byLength, byPosition) = (OwnedMatrix(x), OwnedMatrix(x))
        let rotary = RotaryEmbedding(headDimension: 8, theta: 10000)
        rotary.apply(to: byLength.matrix, length: 5, offset: 3)
        rotary.apply(to: byPosition.matrix, positions: (0..<10).map { 3 + $0 % 5 })
        #expect(byLength.matrix.values == byPosition.matrix.values)
        rotary.apply(to: byPosition.matrix.rows(0..<0), positions: [])
    }

    @Test func `the inverse rotation is the gradient`() {
        var sample = Sample(seed: 8)
        let x = sample.matrix(4, 8)
        let gy = sample.matrix(4, 8)
        func rotate(_ x: ReferenceMatrix, inverse: Bool) -> ReferenceMatrix {
            ReferenceRotaryEmbedding.apply(
                to: x, headDimension: 4, theta: 100, length: 4, inverse: inverse)
        }
        let slope = finiteDifferences(
            of: { rotate($0, inverse: false) }, at: x, weights: gy)
        #expect(distance(rotate(gy, inverse: true).values, slope.values) < 1e-7)
    }

    @Test func `a row of the table is found for every id`() {
        var sample = Sample(seed: 2)
        let table = sample.matrix(5, 3)
        let x = OwnedMatrix(4, 3)
        FrozenWeight(OwnedMatrix(table).operand).rows(at: [4, 0, 4, 2], into: x.matrix)
        let expected = [4, 0, 4, 2].flatMap { table.row($0) }
        #expect(x.matrix.values.map { Double($0) } == expected)
    }
}
