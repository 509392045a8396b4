import Adapters
import Models
import Tensors
import Testing

@testable import Training

@Suite struct RowPackingTests {
    private func pack(_ counts: [Int], _ capacity: Int, seed: UInt64 = 1) -> [[Int]] {
        RowPacking(inputCounts: counts, capacity: capacity, seed: seed).sequences
    }

    /// The fewest sequences that no packing can beat.
    private func bound(_ counts: [Int], _ capacity: Int) -> Int {
        (counts.reduce(0, +) + capacity - 1) / capacity
    }

    @Test func `the longest texts come first, each where it fits first`() {
        #expect(pack([2, 7, 5, 3, 8], 10) == [[4, 0], [1, 3], [2]])
        #expect(pack([10, 10], 10).count == 2)
        #expect(pack([], 10).isEmpty)
        #expect(pack([4], 4) == [[0]])
    }

    @Test func `every text is in one sequence, and none is too full`() {
        var generator = SplitMix64(seed: 4)
        for capacity in [1, 7, 64, 256] {
            let counts = (0..<300).map { _ in 1 + generator.number(below: capacity) }
            let packed = pack(counts, capacity)
            #expect(packed.flatMap { $0 }.sorted() == Array(0..<300))
            #expect(packed.allSatisfy { $0.reduce(0) { $0 + counts[$1] } <= capacity })
            let most = 11.0 / 9 * Double(bound(counts, capacity)) + 1
            // Texts of more than half a sequence have one each, whoever packs.
            let large = counts.count { 2 * $0 > capacity }
            #expect(Double(packed.count) <= max(most, 11.0 / 9 * Double(large) + 1))
        }
    }

    @Test func `the seed decides who shares a sequence, and nothing else does`() {
        let counts = [Int](repeating: 3, count: 40)
        #expect(pack(counts, 10) == pack(counts, 10))
        #expect(pack(counts, 10) != pack(counts, 10, seed: 2))
        #expect(pack(counts, 10)[0] != [0, 1, 2])
    }

    @Test func `texts of a sequence begin anew and predict nothing of each other`() {
        let batch = TokenBatch(sequences: [
            PackedRow(texts: [
                TokenRow(text: [1, 2, 3], byteCount: 2),
                TokenRow(tokens: [4, 5, 6], targetRanges: [2..<3], byteCount: 1),
            ]),
            PackedRow(texts: [TokenRow(text: [7, 8], byteCount: 1)]),
        ])
        #expect(batch.sequenceCount == 2 && batch.length == 4)
        #expect(batch.inputs == [1, 2, 4, 5, 7, 0, 0, 0])
        #expect(batch.targets == [2, 3, -1, 6, 8, -1, -1, -1])
        #expect(batch.segmentStarts == [0, 0, 2, 2, 0, 1, 1, 1])
        #expect(batch.prefixEnds.isEmpty)
        #expect(TokenBatch(rows: [TokenRow(text: [7, 8], byteCount: 1)]).segmentStarts.isEmpty)
    }

    @Test func `prefixes end where their text says, wherever it lies`() {
        let text = TokenRow(
            tokens: [1, 2, 3, 4],
            targetRanges: [2..<4],
            byteCount: 2,
            prefixCount: 2
        )
        let batch = TokenBatch(sequences: [
            PackedRow(texts: [TokenRow(text: [5, 6, 7], byteCount: 2), text]),
            PackedRow(texts: [text]),
        ])
        #expect(batch.inputs == [5, 6, 1, 2, 3, 1, 2, 3, 0, 0])
        #expect(batch.targets == [6, 7, -1, 3, 4, -1, 3, 4, -1, -1])
        #expect(batch.prefixEnds == [0, 0, 4, 4, 4, 2, 2, 2, 3, 3])
        #expect(batch.segmentStarts == [0, 0, 2, 2, 2, 0, 0, 0, 3, 3])
    }

    @Test func `no target of a random packing is another text's token`() {
        var generator = SplitMix64(seed: 8)
        // Tokens tell whose they are: text j has 100 j to 100 j + 99.
        let rows = (0..<50).map { text in
            TokenRow(
                text: (0..<2 + generator.number(below: 20)).map { Int32(100 * text + $0) },
                byteCount: 1
            )
        }
        let packed = pack(rows.map(\.inputCount), 21)
        let batch = TokenBatch(
            sequences: packed.map { PackedRow(texts: $0.map { rows[$0] }) }
        )
        for (place, target) in batch.targets.enumerated() where target >= 0 {
            #expect(target == batch.inputs[place] + 1)
            let start = place - place % batch.length + Int(batch.segmentStarts[place])
            #expect(batch.inputs[start] == target / 100 * 100)
        }
        #expect(batch.targetCount == rows.reduce(0) { $0 + $1.targetCount })
    }

    @Test func `a packed batch has the loss and gradient of its texts apart`() throws {
        let rows = [9, 5, 4, 7, 13].enumerated().map { index, count in
            TokenRow(
                text: (0..<count).map { Int32((7 * $0 + 3 + 11 * index) % 64) },
                byteCount: count
            )
        }
        let packed = pack(rows.map(\.inputCount), 16).map { PackedRow(texts: $0.map { rows[$0] }) }
        #expect(packed.contains { $0.texts.count > 1 })
        let apart = try gradients(of: rows.map { PackedRow(texts: [$0]) })
        let together = try gradients(of: packed)
        #expect(abs(together.nats - apart.nats) < 1e-4)
        #expect(Self.distance(together.gradients, apart.gradients) < 1e-5)
    }

    @Test func `packed texts with prefixes have the loss and gradient of theirs apart`() throws {
        func rows(prefix: Int) -> [TokenRow] {
            (0..<4).map { text in
                let tokens = (0..<9).map { place in Int32((7 * place + 3 + 11 * text) % 64) }
                return TokenRow(
                    tokens: tokens,
                    targetRanges: [5..<9],
                    byteCount: 4,
                    prefixCount: prefix
                )
            }
        }
        func apart(prefix: Int) throws -> (nats: Double, gradients: NamedTensors) {
            try gradients(of: rows(prefix: prefix).map { PackedRow(texts: [$0]) })
        }
        let seeing = try apart(prefix: 5)
        let packed = try gradients(of: [PackedRow(texts: rows(prefix: 5))])
        #expect(abs(packed.nats - seeing.nats) < 1e-4)
        #expect(Self.distance(packed.gradients, seeing.gradients) < 1e-5)
        // One token sees itself anyway, five see more.
        let causal = try apart(prefix: 0)
        #expect(try apart(prefix: 1).nats == causal.nats)
        #expect(abs(seeing.nats - causal.nats) > 1e-3)
    }

    @Test func `a packed run has the losses of one whose steps see the same texts`() throws {
        // Two texts of equal length fill a sequence, so one step packed sees all four.
        let rows = ClosedFormRun.rows()
        func losses(_ settings: TrainingSettings) throws -> [Double] {
            let trainer = try LocalTrainer(
                model: try ClosedFormRun.model(),
                data: TrainingData(training: rows),
                settings: settings
            )
            #expect(trainer.nextRows().count == 4)
            return try (0..<6).map { _ in try trainer.step().loss }
        }
        let apart = try losses(
            TrainingSettings(batchSize: 4, sequenceLength: 12, totalStepCount: 6))
        let packed = try losses(
            TrainingSettings(batchSize: 2, sequenceLength: 24, totalStepCount: 6, packsRows: true))
        for (apart, packed) in zip(apart, packed) {
            #expect(abs(apart - packed) < 1e-5)
        }
    }

    @Test func `a trainer tells what packing saves`() throws {
        let rows = [20, 3, 4, 5, 6, 7].map { count in
            TokenRow(text: (0..<count).map { Int32($0) }, byteCount: count)
        }
        func trainer(_ packs: Bool, length: Int = 19) throws -> LocalTrainer {
            try LocalTrainer(
                model: try ClosedFormRun.model(),
                data: TrainingData(training: rows),
                settings: TrainingSettings(
                    batchSize: 3,
                    sequenceLength: length,
                    totalStepCount: 5,
                    packsRows: packs
                )
            )
        }
        let packed = try trainer(true)
        #expect(packed.sequenceCount == 3 && packed.nextRows().count == 6)
        #expect(abs(packed.paddingShare - (1 - 39.0 / 57)) < 1e-12)
        #expect(packed.unpackedPaddingShare > 0.4)
        #expect(try trainer(false).paddingShare == packed.unpackedPaddingShare)
        #expect(throws: TrainingError.rowTooLong(inputCount: 19, sequenceLength: 18)) {
            try trainer(true, length: 18)
        }
    }

    private func gradients(
        of sequences: [PackedRow]
    ) throws -> (nats: Double, gradients: NamedTensors) {
        let model = try ClosedFormRun.model()
        let adapter = try #require(model.adapter)
        adapter.zeroGradients()
        let sum = model.accumulateGradients(TokenBatch(sequences: sequences), normalizer: 33)
        return (sum.nats, adapter.gradients)
    }

    /// The largest difference as a share of the largest value.
    static func distance(_ left: NamedTensors, _ right: NamedTensors) -> Float {
        var difference: Float = 0
        var size: Float = 0
        for (left, right) in zip(left.elements, right.elements) {
            for (left, right) in zip(left.tensor.values, right.tensor.values) {
                difference = max(difference, abs(left - right))
                size = max(size, abs(right))
            }
        }
        return difference / size
    }
}
