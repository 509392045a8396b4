import Adapters
import Checkpoints
import Models
import Tensors
import Testing

@Suite struct LoRAFileTests {
    static let model = MemoryTensorSource.smallConfiguration()

    static func file() -> PEFTAdapter {
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: 2, alpha: 4, targets: [.value, .query], usesRSLoRA: true),
            model: model,
            seed: 2
        )
        adapter.parameters = LoRATests.closedForm(adapter.parameters)
        return adapter.peft(baseModelName: "base")
    }

    @Test func `an adapter survives the way to a PEFT file and back`() throws {
        let file = Self.file()
        #expect(file.targetModules == ["q_proj", "v_proj"])
        #expect(file.tensors.names.first?.hasPrefix("base_model.model.model.layers.0.") == true)
        let made = try AdapterRegistry.standard.makeAdapter(.lora(file), model: Self.model)
        let adapter = try #require(made as? LoRAAdapter)
        #expect(adapter.peft(baseModelName: "base") == file)
        #expect(adapter.configuration.scale == 4 / 2.0.squareRoot())
    }

    @Test func `an adapter of the last layers survives the way to a PEFT file and back`() throws {
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: 2, alpha: 4, layers: LoRAConfiguration.lastLayers(1, of: 2)),
            model: Self.model, seed: 2)
        adapter.parameters = LoRATests.closedForm(adapter.parameters)
        let file = adapter.peft(baseModelName: nil)
        #expect(file.layers == [1])
        #expect(file.tensors.names.allSatisfy { $0.contains(".layers.1.") })
        let read = try LoRAAdapter(peft: file, model: Self.model)
        #expect(read.peft(baseModelName: nil) == file)
        #expect(LoRAConfiguration.lastLayers(2, of: 2) == nil)
    }

    @Test func `target modules may be whole paths`() throws {
        var file = Self.file()
        file.targetModules = ["model.layers.0.self_attn.v_proj", "q_proj"]
        let adapter = try LoRAAdapter(peft: file, model: Self.model)
        #expect(adapter.configuration.targets == [.query, .value])
    }

    @Test func `what doesn't fit is refused by name`() {
        func refusal(_ change: (inout PEFTAdapter) -> Void) -> AdapterError? {
            var file = Self.file()
            change(&file)
            do {
                _ = try LoRAAdapter(peft: file, model: Self.model)
                return nil
            } catch {
                return error
            }
        }
        let name = Self.file().tensors.names[0]
        #expect(refusal { $0.rank = 0 } == .invalidRank(0))
        #expect(refusal { $0.rank = 1 << 40 } == .invalidRank(1 << 40))
        #expect(refusal { $0.targetModules = [] } == .noTargets)
        #expect(
            refusal { $0.layers = [0, 2] }
                == .invalidSetting(name: "layers_to_transform", value: "2"))
        #expect(
            refusal { $0.layers = [0] }
                == .unexpectedTensor(
                    name: "base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"))
        #expect(refusal { $0.targetModules = ["lm_head"] } == .unknownTarget(name: "lm_head"))
        #expect(
            refusal { $0.targetModules = ["q_proj"] }
                == .unexpectedTensor(
                    name: "base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight"))
        #expect(
            refusal { $0.targetModules.append("o_proj") }
                == .missingTensor(
                    name: "base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight"))
        #expect(
            refusal { $0.rank = 3 }
                == .shapeMismatch(name: name, expected: Shape([3, 16]), actual: Shape([2, 16])))
        #expect(
            refusal {
                var tensor = FloatTensor(zeros: Shape([2, 16]))
                tensor.values[5] = .nan
                $0.tensors.replace(name, with: tensor)
            } == .nonFiniteTensor(name: name))
        #expect(throws: AdapterError.unknownMethod(name: "LORA")) {
            try AdapterRegistry([:]).makeAdapter(.lora(Self.file()), model: Self.model)
        }
    }
}
