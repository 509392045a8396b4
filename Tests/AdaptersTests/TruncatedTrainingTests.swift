import Adapters
import Checkpoints
import Kernels
import Models
import Tensors
import Testing

/// Layers below the first trained one: part of the forward pass, nothing of the backward pass.
@Suite struct TruncatedTrainingTests {
    static var configuration: ModelConfiguration {
        var configuration = MemoryTensorSource.smallConfiguration()
        configuration.layerCount = 4
        return configuration
    }

    static func gradients(
        of adapter: LoRAAdapter,
        recomputation: ModelOptions.Recomputation = .none
    ) throws -> (loss: LossSum, tensors: NamedTensors) {
        let model = try CausalLanguageModel(
            source: MemoryTensorSource.closedForm(configuration),
            options: ModelOptions(
                storage: .float32, computeType: .float32, recomputation: recomputation))
        let sum = AdaptedModel(model: model, adapter: adapter)
            .accumulateGradients(LoRATests.batch, normalizer: 11)
        return (sum, adapter.gradients)
    }

    @Test(arguments: ModelOptions.Recomputation.allCases, 0...4)
    func `gradients of what is trained are those of the full backward pass`(
        recomputation: ModelOptions.Recomputation,
        first: Int
    ) throws {
        let configuration = LoRAConfiguration(rank: 3, alpha: 6)
        let whole = LoRAAdapter(configuration: configuration, model: Self.configuration, seed: 1)
        whole.parameters = LoRATests.closedForm(whole.parameters)
        let truncated = LoRAAdapter(
            configuration: configuration, model: Self.configuration, seed: 2,
            firstTrainedLayer: first)
        truncated.parameters = whole.parameters
        let expected = try Self.gradients(of: whole, recomputation: recomputation)
        let actual = try Self.gradients(of: truncated, recomputation: recomputation)
        #expect(actual.loss == expected.loss)
        let names = expected.tensors.names.filter { name in
            (first..<4).contains { name.contains(".layers.\($0).") }
        }
        #expect(actual.tensors.names == names)
        #expect(truncated.parameterCount == actual.tensors.elementCount)
        for element in actual.tensors.elements {
            #expect(expected.tensors[element.name] == element.tensor, "\(element.name)")
            #expect(LoRATests.norm(element.tensor) > 1e-4)
        }
    }

    @Test(arguments: 1...3)
    func `an adapter of the last layers has the gradients it has among all`(count: Int) throws {
        let last = LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: 2, alpha: 4, layers: LoRAConfiguration.lastLayers(count, of: 4)),
            model: Self.configuration, seed: 3)
        last.parameters = LoRATests.closedForm(last.parameters)
        let whole = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 2, alpha: 4), model: Self.configuration,
            seed: 3)
        // The other layers' B are 0, so their terms are nothing.
        var parameters = whole.parameters
        for element in last.parameters.elements {
            parameters.replace(element.name, with: element.tensor)
        }
        whole.parameters = parameters
        let expected = try Self.gradients(of: whole)
        let actual = try Self.gradients(of: last)
        #expect(abs(actual.loss.nats - expected.loss.nats) < 1e-5)
        #expect(actual.tensors.elements.count == count * 14)
        for element in actual.tensors.elements {
            let other = try #require(expected.tensors[element.name])
            for (left, right) in zip(element.tensor.values, other.values) {
                #expect(abs(left - right) < 1e-6)
            }
        }
    }

    @Test func `what is lent to an optimizer is what is trained`() throws {
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 2, alpha: 4), model: Self.configuration,
            seed: 3, firstTrainedLayer: 3)
        let before = adapter.parameters
        unsafe adapter.withParameters { values in
            for index in values.indices { unsafe values[index] = 0.5 }
        }
        let count = unsafe adapter.withGradients { $0.count }
        #expect(count == adapter.parameterCount)
        for element in adapter.parameters.elements {
            let isTrained = element.name.contains(".layers.3.")
            #expect((before[element.name] == element.tensor) != isTrained)
            #expect(!isTrained || element.tensor.values.allSatisfy { $0 == 0.5 })
        }
    }
}
