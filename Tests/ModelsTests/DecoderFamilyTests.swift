import Checkpoints
import Tensors
import Testing

@testable import Models

@Suite struct DecoderFamilyTests {
    /// What a source of a type is refused for, or `nil`.
    private func refusal(
        _ modelType: String,
        _ change: (inout ModelConfiguration) -> Void
    ) -> ModelError? {
        var source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        source.configuration.modelType = modelType
        change(&source.configuration)
        do {
            _ = try CausalLanguageModel(source: source)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a configuration that contradicts its type is refused by the field`() {
        func error(_ field: String, _ value: Int) -> ModelError {
            .unsupportedConfiguration(field: field, value: value)
        }
        #expect(refusal("llama") { _ in } == nil)
        #expect(refusal("mistral") { $0.slidingWindow = nil } == nil)
        #expect(refusal("llama") { $0.slidingWindow = 5 } == error("sliding_window", 1))
        #expect(refusal("mistral") { $0.slidingWindow = 0 } == error("sliding_window", 0))
        #expect(refusal("mistral") { $0.slidingWindow = -1 } == error("sliding_window", -1))
        #expect(refusal("mistral") { $0.hasAttentionBiases = true } == error("attention_bias", 1))
        #expect(refusal("llama") { $0.normalizesQueriesAndKeys = true } == error("q_norm", 1))
        #expect(refusal("qwen2") { _ in } == error("attention_bias", 0))
        #expect(
            refusal("qwen2") {
                $0.hasAttentionBiases = true
                $0.normalizesQueriesAndKeys = true
            } == error("q_norm", 1))
        #expect(refusal("qwen3") { _ in } == error("q_norm", 0))
        #expect(
            refusal("qwen3") {
                $0.hasAttentionBiases = true
                $0.normalizesQueriesAndKeys = true
            } == error("attention_bias", 1))
    }

    @Test func `tensors that a type has more than a plain Llama are missed by name`() {
        let prefix = "model.layers.0.self_attn."
        #expect(
            refusal("qwen2") { $0.hasAttentionBiases = true }
                == .missingTensor(name: prefix + "q_proj.bias"))
        #expect(
            refusal("qwen3") { $0.normalizesQueriesAndKeys = true }
                == .missingTensor(name: prefix + "q_norm.weight"))
    }

    @Test func `extra tensors are those of the configuration, with their shapes`() {
        var configuration = MemoryTensorSource.smallConfiguration()
        #expect(AttentionExtras(configuration, layer: 1).all.isEmpty)
        configuration.hasAttentionBiases = true
        configuration.normalizesQueriesAndKeys = true
        let extras = AttentionExtras(configuration, layer: 1)
        let prefix = "model.layers.1.self_attn."
        #expect(
            extras.all.map(\.name)
                == ["q_proj.bias", "k_proj.bias", "v_proj.bias", "q_norm.weight", "k_norm.weight"]
                .map { prefix + $0 })
        #expect(extras.all.map(\.shape) == [[16], [8], [8], [4], [4]].map { Shape($0) })
        #expect(extras.queryNorm?.name == prefix + "q_norm.weight")
        #expect(extras.biases.count == 3)
    }
}
