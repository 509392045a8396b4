import Checkpoints
import Models
import Tensors
import Testing

@Suite struct ModelLoadingTests {
    private func refusal(_ change: (inout MemoryTensorSource) -> Void) -> ModelError? {
        var source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        change(&source)
        do {
            _ = try CausalLanguageModel(source: source)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a checkpoint that lacks or bends a tensor is refused by its name`() {
        let name = "model.layers.1.mlp.up_proj.weight"
        #expect(refusal { _ in } == nil)
        #expect(refusal { $0.values[name] = nil } == .missingTensor(name: name))
        #expect(
            refusal { $0.values[name] = FloatTensor(zeros: Shape([16, 32])) }
                == .shapeMismatch(
                    name: name, expected: Shape([32, 16]), actual: Shape([16, 32])))
        #expect(
            refusal { $0.configuration.tiesWordEmbeddings = false }
                == .missingTensor(name: "lm_head.weight"))
        #expect(
            refusal { $0.values[name]?.values[3] = .infinity } == .nonFiniteTensor(name: name))
    }

    @Test func `a source that lends other bytes than it describes is refused`() {
        let inner = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let name = "model.norm.weight"
        #expect(throws: ModelError.byteCountMismatch(name: name, expected: 64, actual: 60)) {
            try CausalLanguageModel(source: LyingSource(inner: inner, shortened: name))
        }
        #expect(
            throws: ModelError.unreadableTensor(name: name, reason: "unknownTensor")
        ) {
            try CausalLanguageModel(source: LyingSource(inner: inner, hidden: name))
        }
    }

    @Test func `an architecture or extents that nobody knows are refused`() {
        #expect(
            refusal { $0.configuration.modelType = "mamba" }
                == .unknownArchitecture(modelType: "mamba"))
        #expect(
            refusal { $0.configuration.keyValueHeadCount = 3 }
                == .unsupportedConfiguration(field: "num_key_value_heads", value: 3))
        #expect(
            refusal { $0.configuration.headDimension = 5 }
                == .unsupportedConfiguration(field: "head_dim", value: 5))
        #expect(
            refusal { $0.configuration.hiddenSize = .max }
                == .unsupportedConfiguration(field: "hidden_size", value: .max))
        #expect(
            refusal { $0.configuration.layerCount = 0 }
                == .unsupportedConfiguration(field: "num_hidden_layers", value: 0))
        #expect(ModelRegistry.standard.modelTypes == ["llama", "mistral", "qwen2", "qwen3"])
    }
}

/// Describes every tensor, but lends one of them cut short or not at all.
private struct LyingSource: TensorSource {
    var inner: MemoryTensorSource
    var shortened: String?
    var hidden: String?

    var configuration: ModelConfiguration { inner.configuration }
    var tensors: [TensorDescription] { inner.tensors }

    func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard name != hidden else { throw MemoryTensorSource.Failure.unknownTensor }
        return try unsafe inner.withBytes(of: name) { bytes in
            let count = name == shortened ? bytes.count - 4 : bytes.count
            return try unsafe body(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
        }
    }
}
