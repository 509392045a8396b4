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
        let model = try CausalLanguageModel(source: source)
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
}
