import Checkpoints
import Foundation
import Kernels
import Models
import Testing

private let modelPath = ProcessInfo.processInfo.environment["STARLING_TEST_MODEL"]

/// Runs when STARLING_TEST_MODEL names SmolLM2-135M-Instruct.Q4_1.gguf; the values are those of
/// transformers on the same weights, dequantised to float32.
@Suite(.enabled(if: modelPath != nil)) struct SmolLM2Tests {
    private func batch(_ ids: [Int32]) -> TokenBatch {
        TokenBatch(
            sequenceCount: 1, length: ids.count, inputs: ids,
            targets: Array(ids.dropFirst()) + [-1])
    }

    @Test(
        arguments: [
            (ModelOptions.exact, 1e-4, 2e-3),
            (ModelOptions(storage: .encoded, computeType: .float32), 1e-4, 2e-3),
            (ModelOptions(storage: .bfloat16, computeType: .bfloat16), 0.03, 0.3),
            (ModelOptions(storage: .encoded, computeType: .bfloat16), 0.03, 0.3),
        ] as [(ModelOptions, Double, Float)])
    func `losses and next tokens of two sentences are those of transformers`(
        options: ModelOptions,
        lossTolerance: Double,
        logitTolerance: Float
    ) throws {
        let source = try ModelFiles.open(path: try #require(modelPath))
        let model = try CausalLanguageModel(source: source, options: options)
        let france: [Int32] = [504, 3575, 282, 4649, 314]
        #expect(abs(model.loss(batch(france)).mean - 3.69162) < lossTolerance)
        let state = model.makeGenerationState(capacity: 16)
        let logits = model.nextLogits(appending: france, to: state)
        for (token, value) in [
            (7042, 17.3713), (260, 14.8886), (4528, 13.2450), (0, 1.6136), (1, -11.8719),
            (2, -7.9445),
        ] as [(Int, Float)] {
            #expect(abs(logits[token] - value) < logitTolerance, "token \(token)")
        }
        #expect(logits.indices.max { logits[$0] < logits[$1] } == 7042)

        let hamlet: [Int32] = [2068, 325, 28, 355, 441, 288, 325, 28, 338, 314, 260, 1962, 42]
        #expect(abs(model.loss(batch(hamlet)).mean - 3.31821) < lossTolerance)
        let next = model.nextLogits(
            appending: hamlet, to: model.makeGenerationState(capacity: 13))
        #expect(next.indices.max { next[$0] < next[$1] } == 198)
        #expect(abs(next[198] - 14.7504) < logitTolerance)
    }
}
