import Adapters
import Checkpoints
import Foundation
import Models
import Tensors
import Testing

@Suite struct LoRATests {
    static let batch = TokenBatch(
        sequenceCount: 1,
        length: 12,
        inputs: (0..<12).map { Int32((7 * $0 + 3) % 64) },
        targets: (1..<12).map { Int32((7 * $0 + 3) % 64) } + [-1]
    )

    /// Rank 4 and alpha 8 on q and v, with values 0.1 sin(0.5 k + 0.3 t) by the place of the name
    /// in the sorted list of names.
    static func closedForm(usesRSLoRA: Bool) -> LoRAAdapter {
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: 4,
                alpha: 8,
                targets: [.query, .value],
                usesRSLoRA: usesRSLoRA
            ),
            model: MemoryTensorSource.smallConfiguration(),
            seed: 1
        )
        adapter.parameters = closedForm(adapter.parameters)
        return adapter
    }

    static func closedForm(_ tensors: NamedTensors) -> NamedTensors {
        NamedTensors(
            tensors.elements.enumerated().map { place, element in
                NamedTensors.Element(
                    name: element.name,
                    tensor: FloatTensor(
                        shape: element.tensor.shape,
                        values: element.tensor.values.indices.map {
                            Float(0.1 * sin(0.5 * Double($0) + 0.3 * Double(place)))
                        }
                    )
                )
            }
        )
    }

    static func norm(_ tensor: FloatTensor?) -> Double {
        (tensor?.values ?? []).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    @Test(arguments: [
        (false, 5.684797, [0.1259789, 0.2825793, 0.0489070, 0.5208039]),
        (true, 5.667454, [0.2590475, 0.5943252, 0.0997926, 1.0684791]),
    ])
    func `the closed-form adapter has the loss and the gradients of PEFT`(
        usesRSLoRA: Bool,
        loss: Double,
        norms: [Double]
    ) throws {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        let adapter = Self.closedForm(usesRSLoRA: usesRSLoRA)
        let model = AdaptedModel(
            model: try CausalLanguageModel(source: source, options: .exact), adapter: adapter)
        #expect(abs(model.loss(Self.batch).mean - loss) < 1e-5)
        let sum = model.accumulateGradients(Self.batch, normalizer: 11)
        #expect(abs(sum.mean - loss) < 1e-5)
        let prefix = "base_model.model.model.layers.0.self_attn."
        let names = ["q_proj.lora_A", "q_proj.lora_B", "v_proj.lora_A", "v_proj.lora_B"]
        for (name, expected) in zip(names, norms) {
            let actual = Self.norm(adapter.gradients[prefix + name + ".weight"])
            #expect(abs(actual - expected) < 1e-4 * expected, "\(name): \(actual)")
        }
    }

    static func model() throws -> (MemoryTensorSource, CausalLanguageModel) {
        let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
        return (source, try CausalLanguageModel(source: source, options: .exact))
    }

    @Test func `a fresh adapter leaves the output unchanged and has the same start each time`()
        throws
    {
        let (_, base) = try Self.model()
        let configuration = LoRAConfiguration(rank: 4, alpha: 8)
        let first = LoRAAdapter(
            configuration: configuration, model: base.configuration, seed: 7)
        let second = LoRAAdapter(
            configuration: configuration, model: base.configuration, seed: 7)
        let third = LoRAAdapter(
            configuration: configuration, model: base.configuration, seed: 8)
        #expect(base.logits(Self.batch, tap: first) == base.logits(Self.batch))
        #expect(first.parameters == second.parameters)
        #expect(first.parameters != third.parameters)
        for element in first.parameters.elements {
            let bound = 1 / Float(element.tensor.shape.extents[1]).squareRoot()
            let isA = element.name.contains("lora_A")
            #expect(element.tensor.values.allSatisfy { isA ? abs($0) < bound : $0 == 0 })
            let mean = element.tensor.values.reduce(0, +) / Float(element.tensor.values.count)
            #expect(abs(mean) < bound / 2)
        }
        #expect(first.parameterCount == first.parameters.elementCount)
    }

    @Test func `a model merged with an adapter computes what both compute together`() throws {
        let (source, base) = try Self.model()
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 3, alpha: 5), model: base.configuration,
            seed: 1)
        adapter.parameters = Self.closedForm(adapter.parameters)
        let merged = MergedTensorSource(base: source, adapter: adapter)
        let model = try CausalLanguageModel(source: merged, options: .exact)
        let together = base.logits(Self.batch, tap: adapter)
        let alone = model.logits(Self.batch)
        #expect(together != base.logits(Self.batch))
        for (left, right) in zip(together.values, alone.values) {
            #expect(abs(left - right) < 2e-5)
        }
        let delta = try #require(adapter.delta(layer: 1, projection: .down))
        let name = "model.layers.1.mlp.down_proj.weight"
        let weight = try #require(source.values[name])
        try unsafe merged.withBytes(of: name) { bytes in
            for (index, value) in delta.values.enumerated() {
                let sum = unsafe bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
                #expect(abs(sum - weight.values[index] - value) < 1e-6)
            }
        }
    }

    @Test func `gradients add up, scale with the normalizer and are cleared`() throws {
        let (_, base) = try Self.model()
        let adapter = Self.closedForm(usesRSLoRA: false)
        let model = AdaptedModel(model: base, adapter: adapter)
        _ = model.accumulateGradients(Self.batch, normalizer: 11)
        let once = adapter.gradients
        _ = model.accumulateGradients(Self.batch, normalizer: 11)
        _ = model.accumulateGradients(Self.batch, normalizer: 5.5)
        let all = adapter.gradients
        for (left, right) in zip(once.elements, all.elements) {
            for (one, four) in zip(left.tensor.values, right.tensor.values) {
                #expect(abs(four - 4 * one) < 1e-5)
            }
        }
        adapter.zeroGradients()
        #expect(adapter.gradients.elements.allSatisfy { $0.tensor.values.allSatisfy { $0 == 0 } })
    }

    /// The lowest adapted place ends the backward pass; each must still get its gradient.
    @Test(arguments: Projection.allCases)
    func `an adapter on one projection has the gradients it has among all`(target: Projection)
        throws
    {
        let (_, base) = try Self.model()
        let whole = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 2, alpha: 4), model: base.configuration,
            seed: 3)
        let single = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 2, alpha: 4, targets: [target]),
            model: base.configuration, seed: 4)
        var shared = single.parameters
        for name in shared.names {
            shared.replace(name, with: try #require(whole.parameters[name]))
        }
        single.parameters = shared
        for adapter in [whole, single] {
            _ = AdaptedModel(model: base, adapter: adapter)
                .accumulateGradients(Self.batch, normalizer: 11)
        }
        let expected = whole.gradients
        for element in single.gradients.elements {
            let other = try #require(expected[element.name])
            for (left, right) in zip(element.tensor.values, other.values) {
                #expect(abs(left - right) < 1e-6)
            }
            #expect(element.name.contains("lora_A") || Self.norm(other) > 1e-3)
        }
    }

    @Test func `the gradient predicts how the loss changes`() throws {
        let (_, base) = try Self.model()
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 3, alpha: 6), model: base.configuration,
            seed: 5)
        adapter.parameters = Self.closedForm(adapter.parameters)
        let model = AdaptedModel(model: base, adapter: adapter)
        _ = model.accumulateGradients(Self.batch, normalizer: 1)
        let gradients = adapter.gradients
        let start = adapter.parameters
        for element in gradients.elements {
            let norm = Self.norm(element.tensor)
            var losses: [Double] = []
            for step in [0.01, -0.01] {
                var moved = element.tensor
                let before = try #require(start[element.name])
                for index in moved.values.indices {
                    moved.values[index] =
                        before.values[index] + Float(step / norm) * element.tensor.values[index]
                }
                var parameters = start
                parameters.replace(element.name, with: moved)
                adapter.parameters = parameters
                losses.append(model.loss(Self.batch).nats)
            }
            let slope = (losses[0] - losses[1]) / 0.02
            #expect(abs(slope - norm) < 0.02 * norm + 1e-3, "\(element.name)")
        }
    }
}
