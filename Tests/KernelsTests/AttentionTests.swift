import Kernels
import Testing

@Suite struct AttentionTests {
    struct Case: CustomTestStringConvertible {
        var name = "causal"
        var sequences = 1
        var queries: Int
        var keys: Int? = nil
        var heads = 4
        var groups = 2
        var dimension = 4
        var window: Int? = nil
        /// Where texts begin in every sequence, the first at 0.
        var texts: [Int] = []
        /// Where each text's prefix ends.
        var prefixes: [Int] = []

        var testDescription: String {
            "\(name), \(sequences) x \(queries) over \(keys ?? queries), "
                + "\(heads)/\(groups) of \(dimension)"
        }

        var keyCount: Int { keys ?? queries }

        /// The text of a position of a sequence; sequences differ by where the texts begin.
        private func text(_ position: Int, _ sequence: Int) -> Int? {
            texts.indices.last { start($0, sequence) <= position }
        }

        private func start(_ text: Int, _ sequence: Int) -> Int {
            text == 0 ? 0 : min(texts[text] + sequence, queries)
        }

        private func prefixEnd(_ text: Int, _ sequence: Int) -> Int {
            let next = text + 1 < texts.count ? start(text + 1, sequence) : queries
            return min(prefixes[text] + sequence, next)
        }

        /// The keys that each query of a sequence sees, by asking of every key.
        func ranges(sequence: Int) -> [Range<Int>] {
            (0..<queries).map { query in
                let position = keyCount - queries + query
                let seen = (0..<keyCount).filter { key in
                    if let window, key + window <= position { return false }
                    guard let text = text(position, sequence) else { return key <= position }
                    guard key >= start(text, sequence) else { return false }
                    let isInPrefix = !prefixes.isEmpty && key < prefixEnd(text, sequence)
                    return key <= position || isInPrefix
                }
                return (seen.first ?? 0)..<(seen.last ?? -1) + 1
            }
        }

        var visible: VisibleKeys {
            var starts: [Int32] = []
            var ends: [Int32] = []
            for sequence in 0..<sequences where !texts.isEmpty {
                for position in 0..<queries {
                    guard let text = text(position, sequence) else { continue }
                    starts.append(Int32(start(text, sequence)))
                    if !prefixes.isEmpty { ends.append(Int32(prefixEnd(text, sequence))) }
                }
            }
            return VisibleKeys(
                sequenceCount: sequences, queryCount: queries, keyCount: keys, window: window,
                segmentStarts: starts, prefixEnds: ends)
        }

        var attention: Attention {
            Attention(
                visible: visible, headCount: heads, keyValueHeadCount: groups,
                headDimension: dimension)
        }

        func reference(sequence: Int) -> ReferenceAttention {
            ReferenceAttention(
                headCount: heads, keyValueHeadCount: groups, headDimension: dimension,
                visible: ranges(sequence: sequence))
        }
    }

    static let cases = [
        Case(queries: 1), Case(sequences: 3, queries: 5), Case(queries: 64), Case(queries: 65),
        Case(queries: 130, heads: 3, groups: 1, dimension: 8),
        Case(queries: 9, heads: 2, groups: 2, dimension: 16),
        Case(queries: 1, keys: 20), Case(queries: 70, keys: 100),
        Case(name: "window of 1", queries: 7, window: 1),
        Case(name: "window", queries: 140, heads: 2, groups: 1, window: 11),
        Case(name: "window of all", queries: 9, window: 9),
        Case(name: "window", queries: 1, keys: 50, window: 8),
        Case(name: "window", queries: 66, keys: 90, window: 13),
        Case(name: "texts", sequences: 2, queries: 72, heads: 2, texts: [0, 3, 4, 60, 66]),
        Case(name: "texts and window", queries: 72, heads: 2, window: 6, texts: [0, 40, 66]),
        Case(name: "prefix", queries: 80, heads: 2, texts: [0], prefixes: [70]),
        Case(name: "prefix of none and of all", queries: 6, texts: [0, 3], prefixes: [0, 6]),
        Case(
            name: "texts and prefixes", sequences: 2, queries: 75, heads: 2, texts: [0, 20, 68],
            prefixes: [12, 66, 68]),
        Case(
            name: "texts, prefixes and window", queries: 75, heads: 2, window: 10,
            texts: [0, 20], prefixes: [12, 66]),
    ]

    /// Where a range of bfloat16 values is multiplied, each is rounded two or three times.
    @Test(arguments: cases, ComputeType.allCases)
    func `values and gradients agree with plain loops`(test: Case, type: ComputeType) {
        var sample = Sample(seed: UInt64(test.queries))
        let keys = test.keyCount
        let width = test.heads * test.dimension
        let keyWidth = test.groups * test.dimension
        let tolerance = type == .float32 ? 1e-5 : 0.015
        let rowCounts = [test.queries, keys, keys, test.queries]
        let owned = zip(rowCounts, [width, keyWidth, keyWidth, width]).map { rows, columns in
            OwnedOperand(sample.matrix(test.sequences * rows, columns), type, gap: 3)
        }
        /// What an input holds of each sequence.
        let inputs = zip(owned, rowCounts).map { operand, rows in
            (0..<test.sequences).map {
                operand.operand.rows($0 * rows..<($0 + 1) * rows).reference
            }
        }
        let attention = test.attention
        let scratch = FloatBuffer(count: attention.scratchCount)
        let o = OwnedOperand(test.sequences * test.queries, width, type, gap: 1)
        let sums = OwnedMatrix(test.sequences * test.queries, test.heads)
        attention.forward(
            q: owned[0].operand, k: owned[1].operand, v: owned[2].operand, into: o.operand,
            logSumExp: sums.matrix, scratch: scratch)
        let references = (0..<test.sequences).map { test.reference(sequence: $0) }
        let values = references.enumerated().map { sequence, reference in
            reference.forward(
                q: inputs[0][sequence], k: inputs[1][sequence], v: inputs[2][sequence])
        }
        #expect(distance(o.operand, stacked(values)) < tolerance)
        #expect(o.gapIsUntouched)

        let results = [width, keyWidth, keyWidth].enumerated().map { index, columns in
            OwnedMatrix(
                ReferenceMatrix(test.sequences * rowCounts[index], columns), gap: 2)
        }
        let heads = OwnedMatrix(2 * test.sequences * keys, width, filledWith: 9)
        attention.backward(
            inputs: (owned[0].operand, owned[1].operand, owned[2].operand), o: o.operand,
            logSumExp: sums.matrix, outputGradient: owned[3].operand,
            gradients: (results[0].matrix, results[1].matrix, results[2].matrix),
            headGradients: heads.matrix, scratch: scratch)
        let gradients = references.enumerated().map { sequence, reference in
            reference.backward(
                q: inputs[0][sequence], k: inputs[1][sequence], v: inputs[2][sequence],
                outputGradient: inputs[3][sequence])
        }
        #expect(distance(results[0].matrix, stacked(gradients.map(\.q))) < tolerance)
        #expect(distance(results[1].matrix, stacked(gradients.map(\.k))) < tolerance)
        #expect(distance(results[2].matrix, stacked(gradients.map(\.v))) < tolerance)
    }

    @Test(arguments: ComputeType.allCases)
    func `threads share the work without changing a bit of it`(type: ComputeType) {
        let test = Case(
            name: "texts, prefixes and window", sequences: 3, queries: 75, window: 10,
            texts: [0, 20], prefixes: [12, 66])
        var sample = Sample(seed: 14)
        let q = OwnedOperand(sample.matrix(225, 16), type)
        let k = OwnedOperand(sample.matrix(225, 8), type)
        let v = OwnedOperand(sample.matrix(225, 8), type)
        var bits: Set<[UInt32]> = []
        for threadCount in [1, 2, 3, 2] {
            ComputeThreads.with(count: threadCount) {
                let attention = test.attention
                let scratch = FloatBuffer(count: attention.scratchCount)
                let o = OwnedOperand(225, 16, type)
                let sums = OwnedMatrix(225, 4)
                attention.forward(
                    q: q.operand, k: k.operand, v: v.operand, into: o.operand,
                    logSumExp: sums.matrix, scratch: scratch)
                let results = [16, 8, 8].map { OwnedMatrix(225, $0) }
                attention.backward(
                    inputs: (q.operand, k.operand, v.operand), o: o.operand,
                    logSumExp: sums.matrix, outputGradient: q.operand,
                    gradients: (results[0].matrix, results[1].matrix, results[2].matrix),
                    headGradients: OwnedMatrix(450, 16).matrix, scratch: scratch)
                let all = o.operand.values + results.flatMap(\.matrix.values)
                bits.insert(all.map(\.bitPattern))
            }
        }
        #expect(bits.count == 1)
    }

    @Test(
        arguments: [
            Case(queries: 4, keys: 6), Case(name: "window", queries: 6, window: 3),
            Case(
                name: "texts and prefixes", queries: 6, texts: [0, 2], prefixes: [1, 5]),
        ])
    func `the gradients are the slopes of the values`(test: Case) {
        var sample = Sample(seed: 12)
        let q = sample.matrix(test.queries, 16)
        let k = sample.matrix(test.keyCount, 8)
        let v = sample.matrix(test.keyCount, 8)
        let go = sample.matrix(test.queries, 16)
        let reference = test.reference(sequence: 0)
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
        let expected = test.reference(sequence: 0).forward(q: large, k: large, v: large)
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
