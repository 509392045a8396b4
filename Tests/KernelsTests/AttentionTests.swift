import Kernels
import Testing

@Suite struct AttentionTests {
    struct Case: CustomTestStringConvertible {
        var sequences = 1
        var queries: Int
        var keys: Int? = nil
        var heads = 4
        var groups = 2
        var dimension = 4

        var testDescription: String {
            "\(sequences) x \(queries) over \(keys ?? queries), \(heads)/\(groups) of \(dimension)"
        }

        var attention: Attention {
            Attention(
                visible: VisibleKeys(
                    sequenceCount: sequences, queryCount: queries, keyCount: keys),
                headCount: heads, keyValueHeadCount: groups, headDimension: dimension)
        }

        var reference: ReferenceAttention {
            ReferenceAttention(
                headCount: heads, keyValueHeadCount: groups, headDimension: dimension)
        }
    }

    static let cases = [
        Case(queries: 1), Case(sequences: 3, queries: 5), Case(queries: 64), Case(queries: 65),
        Case(sequences: 2, queries: 130, heads: 3, groups: 1, dimension: 8),
        Case(queries: 9, heads: 2, groups: 2, dimension: 16),
        Case(queries: 1, keys: 20), Case(queries: 70, keys: 100),
    ]

    @Test(arguments: cases)
    func `values and gradients agree with plain loops`(test: Case) {
        var sample = Sample(seed: UInt64(test.queries))
        let keys = test.keys ?? test.queries
        let width = test.heads * test.dimension
        let keyWidth = test.groups * test.dimension
        let q = (0..<test.sequences).map { _ in sample.matrix(test.queries, width) }
        let k = (0..<test.sequences).map { _ in sample.matrix(keys, keyWidth) }
        let v = (0..<test.sequences).map { _ in sample.matrix(keys, keyWidth) }
        let go = (0..<test.sequences).map { _ in sample.matrix(test.queries, width) }
        let owned = [q, k, v, go].map { OwnedMatrix(stacked($0), gap: 3) }
        let attention = test.attention
        let scratch = FloatBuffer(count: attention.scratchCount)
        let o = OwnedMatrix(test.sequences * test.queries, width)
        let sums = OwnedMatrix(test.sequences * test.queries, test.heads)
        attention.forward(
            q: owned[0].operand, k: owned[1].operand, v: owned[2].operand, into: o.operand,
            logSumExp: sums.matrix, scratch: scratch)
        let values = q.indices.map { test.reference.forward(q: q[$0], k: k[$0], v: v[$0]) }
        #expect(distance(o.matrix, stacked(values)) < 1e-5)

        let results = [q, k, v].map { OwnedMatrix(stacked($0), gap: 2) }
        let heads = OwnedMatrix(2 * test.sequences * keys, width, filledWith: 9)
        attention.backward(
            inputs: (owned[0].operand, owned[1].operand, owned[2].operand), o: o.operand,
            logSumExp: sums.matrix, outputGradient: owned[3].operand,
            gradients: (results[0].matrix, results[1].matrix, results[2].matrix),
            headGradients: heads.matrix, scratch: scratch)
        let gradients = q.indices.map {
            test.reference.backward(q: q[$0], k: k[$0], v: v[$0], outputGradient: go[$0])
        }
        #expect(distance(results[0].matrix, stacked(gradients.map(\.q))) < 1e-5)
        #expect(distance(results[1].matrix, stacked(gradients.map(\.k))) < 1e-5)
        #expect(distance(results[2].matrix, stacked(gradients.map(\.v))) < 1e-5)
    }

    @Test func `the gradients are the slopes of the values`() {
        let test = Case(queries: 4, keys: 6)
        var sample = Sample(seed: 12)
        let q = sample.matrix(4, 16)
        let k = sample.matrix(6, 8)
        let v = sample.matrix(6, 8)
        let go = sample.matrix(4, 16)
        let reference = test.reference
        let gradients = reference.backward(q: q, k: k, v: v, outputGradient: go)
        let slopes = [
            finiteDifferences(of: { reference.forward(q: $0, k: k, v: v) }, at: q, weights: go),
            finiteDifferences(of: { reference.forward(q: q, k: $0, v: v) }, at: k, weights: go),
            finiteDifferences(of: { reference.forward(q: q, k: k, v: $0) }, at: v, weights: go),
        ]
        #expect(distance(gradients.q.values, slopes[0].values) < 1e-7)
        #expect(distance(gradients.k.values, slopes[1].values) < 1e-7)
        #expect(distance(gradients.v.values, slopes[2].values) < 1e-7)
    }

    @Test func `scores far apart give no infinity`() {
        let test = Case(queries: 3, heads: 1, groups: 1, dimension: 2)
        let large = ReferenceMatrix(3, 2, values: [300, -300, 200, 900, -700, 400])
        let owned = OwnedMatrix(large)
        let o = OwnedMatrix(3, 2)
        let sums = OwnedMatrix(3, 1)
        let attention = test.attention
        attention.forward(
            q: owned.operand, k: owned.operand, v: owned.operand, into: o.operand,
            logSumExp: sums.matrix, scratch: FloatBuffer(count: attention.scratchCount))
        let expected = test.reference.forward(q: large, k: large, v: large)
        #expect(distance(o.matrix, expected) < 1e-5)
        #expect(sums.matrix.values.allSatisfy { $0.isFinite })
    }

    private func stacked(_ matrices: [ReferenceMatrix]) -> ReferenceMatrix {
        ReferenceMatrix(
            matrices.reduce(0) { $0 + $1.rowCount },
            matrices[0].columnCount,
            values: matrices.flatMap(\.values)
        )
    }
}
