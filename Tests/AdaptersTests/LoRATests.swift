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
        let elements = adapter.parameters.elements.enumerated().map { place, element in
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
        adapter.parameters = NamedTensors(elements)
        return adapter
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
        let model = AdaptedModel(model: try CausalLanguageModel(source: source), adapter: adapter)
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
}
