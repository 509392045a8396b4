import Checkpoints
import Kernels
import Models

@testable import Training

/// Models whose sizes are known.
enum PlannedModels {
    static func llama(
        hidden: Int, inner: Int, layers: Int, heads: Int, keyHeads: Int, vocabulary: Int,
        ties: Bool
    ) -> ModelConfiguration {
        ModelConfiguration(
            modelType: "llama", hiddenSize: hidden, intermediateSize: inner, layerCount: layers,
            attentionHeadCount: heads, keyValueHeadCount: keyHeads,
            headDimension: hidden / heads, vocabularySize: vocabulary, positionCountMax: 8_192,
            rmsNormEpsilon: 1e-5, ropeTheta: 10_000, tiesWordEmbeddings: ties)
    }

    static let smolLM2 = llama(
        hidden: 576, inner: 1_536, layers: 30, heads: 9, keyHeads: 3, vocabulary: 49_152,
        ties: true)
    static let tinyLlama = llama(
        hidden: 2_048, inner: 5_632, layers: 22, heads: 32, keyHeads: 4, vocabulary: 32_000,
        ties: false)
    static let llama7B = llama(
        hidden: 4_096, inner: 11_008, layers: 32, heads: 32, keyHeads: 32, vocabulary: 32_000,
        ties: false)

    /// 4-bit weights with a scale and a minimum per block of 32: 20 bytes a block.
    static func q4(_ model: ModelConfiguration) -> ModelOutline {
        ModelOutline(configuration: model, bitsPerWeight: 5)
    }

    /// A request with a budget in MB and nothing for the program itself.
    static func request(
        _ model: ModelConfiguration, _ megabytes: Int?, length: Int = 256
    ) -> PlanningRequest {
        var request = PlanningRequest(
            model: q4(model),
            budget: megabytes.map { MemorySize(byteCount: $0 * 1_000_000) })
        request.program = ProgramMemory(
            base: 40_000_000, perVocabularyEntry: 0, copiesPerParameter: 0, perTextByte: 0)
        request.computeType = .bfloat16
        request.threadCount = 2
        request.sequenceLength = length
        request.canStream = false
        return request
    }
}
