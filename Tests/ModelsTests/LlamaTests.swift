import Checkpoints
import Foundation
import Models
import Tensors
import Testing

@Suite struct LlamaTests {
    /// The ids (7 k + 3) mod 64, each predicting the next.
    static let batch = TokenBatch(
        sequenceCount: 1,
        length: 12,
        inputs: (0..<12).map { Int32((7 * $0 + 3) % 64) },
        targets: (1..<12).map { Int32((7 * $0 + 3) % 64) } + [-1]
    )

    @Test func `the closed-form model has the logits and the loss of transformers`() throws {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let model = try CausalLanguageModel(source: source, options: .exact)
        let loss = model.loss(Self.batch)
        #expect(loss.tokenCount == 11)
        #expect(abs(loss.mean - 5.696916) < 1e-5)
        let logits = model.logits(Self.batch)
        #expect(logits.shape == Shape([12, 64]))
        let first: [Float] = [-0.640979, -0.295722, 0.088115, 0.460456]
        let last: [Float] = [0.128056, -0.467214, -1.001530, -1.405187]
        for index in 0..<4 {
            #expect(abs(logits.values[index] - first[index]) < 2e-5)
            #expect(abs(logits.values[11 * 64 + index] - last[index]) < 2e-5)
        }
    }

    @Test func `logits with a cache are those without, in pieces of any length`() throws {
        var configuration = MemoryTensorSource.smallConfiguration(ties: false)
        configuration.positionCountMax = 400
        let model = try CausalLanguageModel(
            source: MemoryTensorSource.closedForm(configuration), options: .exact)
        let tokens = (0..<300).map { Int32(($0 * $0 + 5) % 64) }
        let batch = TokenBatch(
            sequenceCount: 1, length: 300, inputs: tokens,
            targets: [Int32](repeating: -1, count: 300))
        let expected = model.logits(batch).values
        for lengths in [[300], [1, 2, 297], [10, 1, 1, 280, 8]] {
            let state = model.makeGenerationState(capacity: 300)
            for length in lengths {
                let piece = Array(tokens[state.count..<state.count + length])
                let logits = model.nextLogits(appending: piece, to: state)
                let row = expected[(state.count - 1) * 64..<state.count * 64]
                #expect(zip(logits, row).allSatisfy { abs($0 - $1) < 1e-5 })
            }
            #expect(state.count == 300)
        }
    }

    @Test func `a batch is the sum of its sequences, and -1 counts nothing`() throws {
        let model = try CausalLanguageModel(
            source: MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration()),
            options: .exact)
        let inputs = (0..<30).map { Int32(($0 * 11 + 2) % 64) }
        let targets = (0..<30).map { (index: Int) -> Int32 in
            index % 3 == 1 ? -1 : Int32(index * 5 % 64)
        }
        func loss(_ rows: Range<Int>, sequences: Int, targets: [Int32]) -> LossSum {
            model.loss(
                TokenBatch(
                    sequenceCount: sequences, length: rows.count / sequences,
                    inputs: Array(inputs[rows]), targets: Array(targets[rows])))
        }
        let whole = loss(0..<30, sequences: 3, targets: targets)
        var parts = LossSum()
        for sequence in 0..<3 {
            parts += loss(10 * sequence..<10 * sequence + 10, sequences: 1, targets: targets)
        }
        #expect(whole.tokenCount == 20 && parts.tokenCount == 20)
        #expect(abs(whole.nats - parts.nats) < 1e-5 * whole.nats)
        var singles = 0.0
        for (index, target) in targets.enumerated() where target >= 0 {
            var only = [Int32](repeating: -1, count: 30)
            only[index] = target
            singles += loss(0..<30, sequences: 3, targets: only).nats
        }
        #expect(abs(whole.nats - singles) < 1e-5 * whole.nats)
        let nothing = loss(0..<30, sequences: 3, targets: [Int32](repeating: -1, count: 30))
        #expect(nothing == LossSum())
        #expect(nothing.mean == 0)
    }
}
