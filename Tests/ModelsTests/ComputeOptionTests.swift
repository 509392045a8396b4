import Checkpoints
import Kernels
import Models
import Tensors
import Testing

/// What must not depend on how a model computes, and how far results may differ where it does.
@Suite struct ComputeOptionTests {
    struct Case: CustomTestStringConvertible {
        var storage: FrozenWeight.Storage
        var computeType: ComputeType
        var window: Int?

        var testDescription: String {
            "\(storage), \(computeType)" + (window.map { ", window \($0)" } ?? "")
        }

        var options: ModelOptions { ModelOptions(storage: storage, computeType: computeType) }

        /// How far logits may be apart, in units of their length; a bfloat16 has 8 bits, and three
        /// layers round about twenty times.
        var tolerance: Float { computeType == .float32 ? 1e-5 : 0.015 }

        var source: EncodedTensorSource { .mixed(slidingWindow: window) }
    }

    static let cases = FrozenWeight.Storage.allCases.flatMap { storage in
        ComputeType.allCases.flatMap { type in
            [nil, 5].map { Case(storage: storage, computeType: type, window: $0) }
        }
    }

    static let tokens = (0..<90).map { Int32(($0 * $0 + 5) % 64) }

    static func batch(_ tokens: [Int32], sequenceCount: Int = 1) -> TokenBatch {
        TokenBatch(
            sequenceCount: sequenceCount, length: tokens.count / sequenceCount, inputs: tokens,
            targets: tokens.dropFirst() + [-1])
    }

    /// The length of the difference in units of the right side's.
    private func difference(_ left: some Sequence<Float>, _ right: some Sequence<Float>) -> Float {
        let square = zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let size = right.reduce(0) { $0 + $1 * $1 }
        let difference = (square / size).squareRoot()
        return difference.isNaN ? .infinity : difference
    }

    @Test(arguments: cases)
    func `logits and loss are those of Float32 throughout`(test: Case) throws {
        let source = test.source
        let exact = try CausalLanguageModel(source: source.decoded, options: .exact)
        let model = try CausalLanguageModel(source: source, options: test.options)
        let batch = Self.batch(Self.tokens)
        // Weights of bfloat16 were rounded, whatever reads them.
        let tolerance: Float = test.storage == .bfloat16 ? 0.015 : test.tolerance
        #expect(difference(model.logits(batch).values, exact.logits(batch).values) < tolerance)
        let (loss, expected) = (model.loss(batch), exact.loss(batch))
        #expect(loss.tokenCount == expected.tokenCount)
        #expect(abs(loss.mean - expected.mean) < Double(tolerance) * expected.mean)
    }

    @Test(arguments: cases)
    func `logits with a cache are those without, in pieces of any length`(test: Case) throws {
        let model = try CausalLanguageModel(source: test.source, options: test.options)
        let tokens = (0..<290).map { Int32(($0 * $0 + 5) % 64) }
        let expected = model.logits(Self.batch(tokens)).values
        for lengths in [[290], [1, 2, 3, 284], [10, 1, 1, 270, 8]] {
            let state = model.makeGenerationState(capacity: 290)
            for length in lengths {
                let piece = Array(tokens[state.count..<state.count + length])
                let logits = model.nextLogits(appending: piece, to: state)
                let row = expected[(state.count - 1) * 64..<state.count * 64]
                #expect(difference(logits, row) < test.tolerance, "position \(state.count)")
            }
        }
    }

    @Test(arguments: cases)
    func `texts in one row are as if each were alone`(test: Case) throws {
        let model = try CausalLanguageModel(source: test.source, options: test.options)
        // Two rows of 45 positions; the texts of the first begin at 0, 7, 8 and 40.
        let texts = [0..<7, 7..<8, 8..<40, 40..<45, 45..<89, 89..<90]
        let prefixes = [3, 0, 8, 5, 44, 1]
        for hasPrefixes in [false, true] {
            var starts: [Int32] = []
            var ends: [Int32] = []
            for (text, prefix) in zip(texts, prefixes) {
                let start = Int32(text.lowerBound % 45)
                starts += [Int32](repeating: start, count: text.count)
                ends += [Int32](repeating: start + Int32(prefix), count: text.count)
            }
            let packed = TokenBatch(
                sequenceCount: 2, length: 45, inputs: Self.tokens,
                targets: Self.tokens.map { ($0 + 1) % 64 }, segmentStarts: starts,
                prefixEnds: hasPrefixes ? ends : [])
            let logits = model.logits(packed).values
            var sum = LossSum()
            for (text, prefix) in zip(texts, prefixes) {
                let tokens = Array(Self.tokens[text])
                let alone = TokenBatch(
                    sequenceCount: 1, length: text.count, inputs: tokens,
                    targets: tokens.map { ($0 + 1) % 64 },
                    prefixEnds: hasPrefixes
                        ? [Int32](repeating: Int32(prefix), count: text.count) : [])
                let rows = logits[text.lowerBound * 64..<text.upperBound * 64]
                #expect(difference(rows, model.logits(alone).values) < test.tolerance, "\(text)")
                sum += model.loss(alone)
            }
            let loss = model.loss(packed)
            #expect(loss.tokenCount == 90 && sum.tokenCount == 90)
            #expect(abs(loss.nats - sum.nats) < Double(test.tolerance) * sum.nats)
        }
    }

    @Test func `a window changes what lies beyond it, and nothing before`() throws {
        let batch = Self.batch(Self.tokens)
        let whole = try CausalLanguageModel(
            source: EncodedTensorSource.mixed(), options: .exact
        ).logits(batch).values
        let narrow = try CausalLanguageModel(
            source: EncodedTensorSource.mixed(slidingWindow: 5), options: .exact
        ).logits(batch).values
        #expect(difference(narrow.prefix(5 * 64), whole.prefix(5 * 64)) < 1e-6)
        #expect(difference(narrow[5 * 64..<6 * 64], whole[5 * 64..<6 * 64]) > 1e-4)
    }

    @Test(arguments: cases)
    func `a fixed number of threads repeats bit for bit`(test: Case) throws {
        let source = test.source
        let batch = Self.batch(Self.tokens, sequenceCount: 2)
        for threadCount in 1...3 {
            var bits: Set<[UInt32]> = []
            var losses: Set<Double> = []
            for _ in 0..<2 {
                let model = try CausalLanguageModel(source: source, options: test.options)
                ComputeThreads.with(count: threadCount) {
                    for _ in 0..<2 {
                        bits.insert(model.logits(batch).values.map(\.bitPattern))
                        losses.insert(model.loss(batch).nats)
                    }
                }
            }
            #expect(bits.count == 1 && losses.count == 1, "\(threadCount) threads")
        }
    }

    @Test func `without options the fastest type of this machine is used`() {
        let options = ModelOptions()
        #expect(options.computeType == KernelReport.preferredComputeType)
        #expect(options.storage == (options.computeType == .float32 ? .float32 : .bfloat16))
        #expect(ModelOptions.exact.computeType == .float32)
        #expect(ModelOptions.exact.storage == .float32)
    }
}
