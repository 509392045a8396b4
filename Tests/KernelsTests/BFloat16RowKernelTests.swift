import Kernels
import Tensors
import Testing

/// Kernels over rows with bfloat16 on either side, against plain loops on the rounded inputs.
@Suite struct BFloat16RowKernelTests {
    static let extents = [(1, 4), (3, 6), (40, 34)]

    @Test(arguments: ComputeType.allCases, ComputeType.allCases)
    func `the RMS norm takes and gives either type`(from: ComputeType, into: ComputeType) {
        for (rows, columns) in Self.extents {
            var sample = Sample(seed: UInt64(rows + 41))
            let x = OwnedOperand(sample.matrix(rows, columns), from, gap: 1)
            let weight = OwnedMatrix(sample.matrix(1, columns))
            let y = OwnedOperand(rows, columns, into, gap: 2)
            RMSNorm.forward(x.operand, weight: weight.matrix, epsilon: 1e-5, into: y.operand)
            let weights = weight.matrix.values.map { Double($0) }
            let expected = ReferenceRMSNorm.forward(x.reference, weight: weights, epsilon: 1e-5)
            #expect(distance(y.operand, expected) < into.tolerance)
            #expect(y.gapIsUntouched)

            let gy = sample.matrix(rows, columns)
            let before = sample.matrix(rows, columns)
            let gx = OwnedMatrix(before, gap: 1)
            RMSNorm.backward(
                x.operand, weight: weight.matrix, epsilon: 1e-5,
                outputGradient: OwnedMatrix(gy).matrix, addingTo: gx.matrix)
            var sum = ReferenceRMSNorm.backward(
                x.reference, weight: weights, epsilon: 1e-5, outputGradient: gy)
            for index in sum.values.indices { sum.values[index] += before.values[index] }
            #expect(distance(gx.matrix, sum) < 2e-5)
        }
    }

    @Test(arguments: ComputeType.allCases, [(1, 1, 2), (5, 3, 6), (40, 4, 16)])
    func `heads are normed each on its own, and so is their gradient`(
        type: ComputeType,
        extents: (rows: Int, heads: Int, channels: Int)
    ) {
        let (rows, heads, channels) = extents
        var sample = Sample(seed: UInt64(rows + 42))
        let x = OwnedOperand(sample.matrix(rows, heads * channels), type, gap: 3)
        let weight = OwnedMatrix(sample.matrix(1, channels))
        let weights = weight.matrix.values.map { Double($0) }
        let y = OwnedMatrix(ReferenceMatrix(rows, heads * channels), gap: 1)
        let gy = sample.matrix(rows, heads * channels)
        let gradient = OwnedMatrix(gy, gap: 2)
        ComputeThreads.with(count: 3) {
            RMSNorm.forwardHeads(
                x.operand, weight: weight.matrix, epsilon: 1e-5, into: y.operand,
                headCount: heads)
            RMSNorm.backwardHeads(
                x.operand, weight: weight.matrix, epsilon: 1e-5, gradient: gradient.matrix,
                headCount: heads)
        }
        // A row of heads is a column of rows.
        func perHead(_ matrix: ReferenceMatrix) -> ReferenceMatrix {
            ReferenceMatrix(rows * heads, channels, values: matrix.values)
        }
        let expected = ReferenceRMSNorm.forward(
            perHead(x.reference), weight: weights, epsilon: 1e-5)
        let expectedGradient = ReferenceRMSNorm.backward(
            perHead(x.reference), weight: weights, epsilon: 1e-5, outputGradient: perHead(gy))
        #expect(distance(y.matrix.values.map { Double($0) }, expected.values) < 1e-5)
        #expect(
            distance(gradient.matrix.values.map { Double($0) }, expectedGradient.values) < 2e-5)
        // In place, as Float32 computes it.
        guard type == .float32 else { return }
        RMSNorm.forwardHeads(
            x.operand, weight: weight.matrix, epsilon: 1e-5, into: x.operand, headCount: heads)
        #expect(distance(x.operand.values.map { Double($0) }, expected.values) < 1e-5)
        #expect(x.gapIsUntouched)
    }

    @Test(arguments: [1, 2, 3])
    func `a vector is added to every row`(threadCount: Int) {
        var sample = Sample(seed: 43)
        let rows = sample.matrix(29, 7)
        let vector = sample.matrix(1, 7)
        let sum = OwnedMatrix(rows, gap: 2)
        ComputeThreads.with(count: threadCount) {
            RowSum.add(OwnedMatrix(vector).matrix, toRowsOf: sum.matrix)
        }
        var expected = rows
        for row in 0..<29 {
            for column in 0..<7 { expected[row, column] += vector[0, column] }
        }
        #expect(distance(sum.matrix, expected) < 1e-6)
        let gaps = sum.buffer.matrix(at: 0, rows: 29, columns: 9).columns(7..<9)
        #expect(gaps.values.allSatisfy { $0 == 77 })
    }

    @Test(arguments: extents)
    func `the gated unit of bfloat16 agrees with plain loops, in place too`(
        rows: Int,
        columns: Int
    ) {
        var sample = Sample(seed: UInt64(rows + 44))
        var values = sample.matrix(rows, 2 * columns)
        for index in values.values.indices { values.values[index] *= index % 5 == 0 ? 100 : 6 }
        let gateUp = OwnedOperand(values, .bfloat16, gap: 2)
        let gh = sample.matrix(rows, columns)
        let h = OwnedOperand(rows, columns, .bfloat16, gap: 1)
        let inputs = gateUp.reference
        SwiGLU.forward(gateUp: gateUp.operand, into: h.operand)
        #expect(distance(h.operand, ReferenceSwiGLU.forward(gateUp: inputs)) < 1.0 / 256)
        let expected = ReferenceSwiGLU.backward(gateUp: inputs, outputGradient: gh)
        let gradient = OwnedOperand(rows, 2 * columns, .bfloat16)
        let ownedGradient = OwnedMatrix(gh, gap: 1)
        SwiGLU.backward(
            gateUp: gateUp.operand, outputGradient: ownedGradient.matrix, into: gradient.operand)
        #expect(distance(gradient.operand, expected) < 1.0 / 256)
        SwiGLU.backward(
            gateUp: gateUp.operand, outputGradient: ownedGradient.matrix, into: gateUp.operand)
        #expect(gateUp.operand.values == gradient.operand.values)
        #expect(h.gapIsUntouched && gateUp.gapIsUntouched)
    }

    /// The gradient of the logits is rounded over the logits themselves, row by row.
    @Test(arguments: FrozenWeight.Storage.allCases, [1, 3, 100])
    func `the loss of bfloat16 states and its gradient agree with plain loops`(
        storage: FrozenWeight.Storage,
        chunkRowCount: Int
    ) {
        var sample = Sample(seed: 45)
        let hidden = OwnedOperand(sample.matrix(7, 33), .bfloat16, gap: 1)
        let head = OwnedOperand(sample.matrix(213, 33), .bfloat16)
        let weight =
            switch storage {
            case .float32: FrozenWeight(.float32(OwnedMatrix(head.reference).matrix))
            case .bfloat16: FrozenWeight(head.operand)
            case .encoded, .mapped, .streamed: encoded(head.reference)
            }
        let targets = [3, 212, 0, 3, 17, 30, 208]
        let crossEntropy = CrossEntropy(head: weight, chunkRowCount: chunkRowCount)
        let gradient = OwnedMatrix(7, 33, filledWith: 3)
        let scratch = FloatBuffer(count: crossEntropy.scratchCount(rowCount: 7))
        for threadCount in 1...3 {
            ComputeThreads.with(count: threadCount) {
                let loss = crossEntropy.loss(
                    hidden: hidden.operand, targets: targets.map { Int32($0) },
                    gradient: gradient.matrix, scale: 0.25, scratch: scratch)
                let expected = ReferenceCrossEntropy.loss(
                    hidden: hidden.reference, head: head.reference, targets: targets)
                #expect(abs(loss - expected) < 1e-5 * expected)
                var scaled = ReferenceCrossEntropy.gradient(
                    hidden: hidden.reference, head: head.reference, targets: targets)
                for index in scaled.values.indices { scaled.values[index] *= 0.25 }
                #expect(distance(gradient.matrix, scaled) < 1.0 / 256)
                let alone = crossEntropy.loss(
                    hidden: hidden.operand, targets: targets.map { Int32($0) },
                    scratch: scratch)
                #expect(abs(alone - loss) < 1e-6 * expected)
            }
        }
    }

    private func encoded(_ values: ReferenceMatrix) -> FrozenWeight {
        let weight = FrozenWeight(
            parts: [(values.rowCount, .float32)], columnCount: values.columnCount,
            storage: .encoded)
        let floats = values.values.map { Float($0) }
        let isFinite = unsafe floats.withUnsafeBytes {
            unsafe weight.fill(rows: 0..<values.rowCount, from: $0, type: .float32)
        }
        #expect(isFinite)
        return weight
    }
}
