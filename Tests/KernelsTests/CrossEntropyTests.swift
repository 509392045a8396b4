import Kernels
import Testing

@Suite struct CrossEntropyTests {
    @Test(arguments: [1, 3, 7, 100])
    func `loss and gradient don't depend on the chunks`(chunkRowCount: Int) {
        var sample = Sample(seed: 6)
        let hidden = sample.matrix(7, 5)
        var head = sample.matrix(50, 5)
        for index in head.values.indices { head.values[index] *= 20 }
        let targets = [3, 49, 0, 3, 17, 30, 8]
        let ownedHead = OwnedMatrix(head)
        let crossEntropy = CrossEntropy(
            head: FrozenWeight(ownedHead.operand), chunkRowCount: chunkRowCount)
        let gradient = OwnedMatrix(7, 5, filledWith: 3)
        let owned = OwnedMatrix(hidden)
        // The logits stand behind values that are somebody else's.
        let scratch = FloatBuffer(count: 9 + crossEntropy.scratchCount(rowCount: 7))
        let others = scratch.matrix(at: 0, rows: 1, columns: 9)
        others.fill(77)
        let loss = crossEntropy.loss(
            hidden: owned.operand, targets: targets.map { Int32($0) }, gradient: gradient.matrix,
            scale: 0.25, scratch: scratch, offset: 9)
        let expected = ReferenceCrossEntropy.loss(hidden: hidden, head: head, targets: targets)
        #expect(abs(loss - expected) < 1e-5 * expected)
        var scaled = ReferenceCrossEntropy.gradient(
            hidden: hidden, head: head, targets: targets)
        for index in scaled.values.indices { scaled.values[index] *= 0.25 }
        #expect(distance(gradient.matrix, scaled) < 1e-5)
        let alone = crossEntropy.loss(
            hidden: owned.operand, targets: targets.map { Int32($0) }, scratch: scratch, offset: 9)
        #expect(abs(alone - loss) < 1e-6 * expected)
        #expect(others.values.allSatisfy { $0 == 77 })
        #expect(crossEntropy.scratchCount(rowCount: 7) == min(7, chunkRowCount) * 50)
    }

    @Test func `the gradient is the slope of the loss`() {
        var sample = Sample(seed: 7)
        let hidden = sample.matrix(3, 4)
        let head = sample.matrix(9, 4)
        let targets = [8, 0, 5]
        let slope = finiteDifferences(
            of: {
                ReferenceMatrix(
                    1, 1,
                    values: [
                        ReferenceCrossEntropy.loss(hidden: $0, head: head, targets: targets)
                    ])
            },
            at: hidden,
            weights: ReferenceMatrix(1, 1, values: [1])
        )
        let gradient = ReferenceCrossEntropy.gradient(
            hidden: hidden, head: head, targets: targets)
        #expect(distance(gradient.values, slope.values) < 1e-7)
    }
}
