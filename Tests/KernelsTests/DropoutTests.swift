import Kernels
import Testing

@Suite struct DropoutTests {
    private func mask(
        _ probability: Double = 0.1,
        seed: UInt64 = 1,
        step: Int = 0,
        layer: Int = 0,
        site: Int = 0,
        firstSequence: Int = 0,
        length: Int = 64
    ) -> DropoutMask {
        DropoutMask(
            DropoutPlan(
                probability: probability,
                seed: seed,
                step: step,
                firstSequence: firstSequence
            ),
            layer: layer,
            site: site,
            sequenceLength: length
        )
    }

    /// What the mask makes of ones.
    private func kept(_ mask: DropoutMask, _ rows: Int = 256, _ columns: Int = 576) -> [Float] {
        let x = OwnedMatrix(rows, columns, filledWith: 1)
        Dropout.apply(mask, to: x.matrix, into: x.matrix)
        return x.matrix.values
    }

    @Test func `the generator gives the published numbers`() {
        // From kat_vectors of Random123, philox4x32 10.
        let zeros = ReferenceDropout.philox(counter: [0, 0, 0, 0], key: [0, 0])
        #expect(zeros == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
        let ones = ReferenceDropout.philox(
            counter: [UInt32](repeating: .max, count: 4), key: [.max, .max])
        #expect(ones == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
        let pi = ReferenceDropout.philox(
            counter: [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344],
            key: [0xA409_3822, 0x299F_31D0]
        )
        #expect(pi == [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1])
    }

    @Test(arguments: [(1, 1), (3, 5), (40, 63), (33, 64), (20, 65), (9, 200)])
    func `kept elements are those of plain loops, in place and added too`(rows: Int, columns: Int) {
        var sample = Sample(seed: UInt64(rows + columns))
        let x = sample.matrix(rows, columns)
        let before = sample.matrix(rows, columns)
        let mask = mask(0.3, step: 4, layer: 29, site: 3, firstSequence: 5, length: 7)
        let expected = ReferenceDropout.apply(mask, to: x, firstRow: 11)
        let owned = OwnedMatrix(x, gap: 3)
        let y = OwnedMatrix(rows, columns)
        Dropout.apply(mask, to: owned.matrix, firstRow: 11, into: y.matrix)
        #expect(distance(y.matrix, expected) < 1e-6)
        let sum = OwnedMatrix(before, gap: 1)
        Dropout.add(mask, to: owned.matrix, firstRow: 11, into: sum.matrix)
        var expectedSum = expected
        for index in before.values.indices { expectedSum.values[index] += before.values[index] }
        #expect(distance(sum.matrix, expectedSum) < 1e-6)
        Dropout.apply(mask, to: owned.matrix, firstRow: 11, into: owned.matrix)
        #expect(owned.matrix.values == y.matrix.values)
        #expect(owned.buffer.matrix(at: columns, rows: 1, columns: 3).values == [77, 77, 77])
    }

    @Test(arguments: [0.05, 0.1, 0.5, 0.9])
    func `the share that is dropped is p and the mean stays`(probability: Double) {
        let values = kept(mask(probability, seed: 9))
        let dropped = Double(values.count { $0 == 0 }) / Double(values.count)
        // Five standard deviations of a share of 147456 draws.
        let deviation = (probability * (1 - probability) / Double(values.count)).squareRoot()
        #expect(abs(dropped - probability) < 5 * deviation)
        let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        #expect(abs(mean - 1) < 5 * deviation / (1 - probability))
    }

    @Test func `steps, layers, sites, sequences and seeds choose independently`() {
        let base = kept(mask(0.5))
        let others = [
            mask(0.5, seed: 2), mask(0.5, step: 1), mask(0.5, layer: 1), mask(0.5, site: 1),
            mask(0.5, firstSequence: 4),
        ]
        for other in others {
            let agreeing = zip(base, kept(other)).count { ($0 == 0) == ($1 == 0) }
            // Five standard deviations of a fair coin.
            let deviation = 0.5 * Double(base.count).squareRoot()
            #expect(abs(Double(agreeing) - Double(base.count) / 2) < 5 * deviation)
        }
        for distance in [1, 2, 3, 4, 64, 576] {
            let agreeing = zip(base, base.dropFirst(distance)).count { ($0 == 0) == ($1 == 0) }
            let count = Double(base.count - distance)
            #expect(abs(Double(agreeing) - count / 2) < 2.5 * count.squareRoot())
        }
    }

    @Test func `the bits don't depend on threads or on how rows are split`() {
        let before = ComputeThreads.count
        defer { ComputeThreads.set(before) }
        let mask = mask(0.2, length: 50)
        ComputeThreads.set(1)
        let one = kept(mask, 200, 40)
        for count in [2, 3, 8] {
            ComputeThreads.set(count)
            #expect(kept(mask, 200, 40) == one)
        }
        let parts = OwnedMatrix(200, 40, filledWith: 1)
        for start in stride(from: 0, to: 200, by: 40) {
            let part = parts.matrix.rows(start..<start + 40)
            Dropout.apply(mask, to: part, firstRow: start, into: part)
        }
        #expect(parts.matrix.values == one)
        let second = DropoutPlan(probability: 0.2, seed: 1, step: 0, firstSequence: 2)
        let rest = kept(DropoutMask(second, layer: 0, site: 0, sequenceLength: 50), 100, 40)
        #expect(rest == Array(one[(100 * 40)...]))
    }

    @Test func `nothing is dropped with a share of zero`() {
        #expect(kept(mask(0), 8, 8).allSatisfy { $0 == 1 })
        #expect(kept(mask(1.0.nextDown), 8, 8).allSatisfy { $0 == 0 })
    }
}
