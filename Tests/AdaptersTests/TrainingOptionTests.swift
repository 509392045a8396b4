import Adapters
import Checkpoints
import Foundation
import Kernels
import Models
import Tensors
import Testing

/// Gradients with every way to compute, on the members of the Llama family.
@Suite struct TrainingOptionTests {
    /// The loss and all gradients of a batch.
    private struct Outcome {
        let nats: Double
        let gradients: [Float]

        init(
            _ model: AdaptedModel,
            _ batch: TokenBatch,
            dropout: DropoutPlan? = nil
        ) throws {
            let adapter = try #require(model.adapter)
            adapter.zeroGradients()
            nats =
                model.accumulateGradients(
                    batch, normalizer: Double(batch.targetCount), dropout: dropout
                ).nats
            gradients = unsafe adapter.withGradients { unsafe Array($0) }
        }

        var bits: [UInt32] { gradients.map(\.bitPattern) }

        func cosine(_ other: Outcome) -> Double {
            func product(_ left: [Float], _ right: [Float]) -> Double {
                zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            }
            return product(gradients, other.gradients)
                / (product(gradients, gradients) * product(other.gradients, other.gradients))
                .squareRoot()
        }

        /// The length of the difference in units of the other's length.
        func distance(_ other: Outcome) -> Double {
            let square = zip(gradients, other.gradients).reduce(0) {
                $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
            }
            let size = other.gradients.reduce(0) { $0 + Double($1) * Double($1) }
            let distance = (square / size).squareRoot()
            return distance.isNaN ? .infinity : distance
        }
    }

    private func outcome(
        _ name: String,
        _ batch: String,
        storage: FrozenWeight.Storage? = nil,
        type: ComputeType,
        recomputation: ModelOptions.Recomputation = .none,
        dropout: DropoutPlan? = nil
    ) throws -> Outcome {
        let options = ModelOptions(
            storage: storage, computeType: type, recomputation: recomputation)
        let fixture = try FamilyFixture(name, options: options)
        return try Outcome(fixture.model, fixture.batch(batch).tokens, dropout: dropout)
    }

    @Test(arguments: FamilyFixture.names, ComputeType.allCases)
    func `what is computed again has the loss and the gradients of what was kept`(
        name: String,
        type: ComputeType
    ) throws {
        try ComputeThreads.with(count: 2) {
            for batch in ["plain", "packed", "prefix"] {
                let kept = try outcome(name, batch, type: type)
                for recomputation in [ModelOptions.Recomputation.mlp, .layer] {
                    let again = try outcome(name, batch, type: type, recomputation: recomputation)
                    #expect(again.nats == kept.nats)
                    // A layer's input is kept in bfloat16 there, so a layer computed again from it
                    // differs by that rounding.
                    if type == .float32 || recomputation == .mlp {
                        #expect(again.bits == kept.bits, "\(recomputation), \(batch)")
                    } else {
                        #expect(again.distance(kept) < 0.02, "\(recomputation), \(batch)")
                    }
                }
            }
        }
    }

    @Test(arguments: FamilyFixture.names)
    func `what is computed again drops what was dropped before`(name: String) throws {
        let plan = DropoutPlan(probability: 0.3, seed: 5, step: 2)
        try ComputeThreads.with(count: 2) {
            let kept = try outcome(name, "packed", type: .float32, dropout: plan)
            let whole = try outcome(name, "packed", type: .float32)
            #expect(kept.bits != whole.bits && kept.nats != whole.nats)
            for recomputation in [ModelOptions.Recomputation.mlp, .layer] {
                let again = try outcome(
                    name, "packed", type: .float32, recomputation: recomputation, dropout: plan)
                #expect(again.nats == kept.nats && again.bits == kept.bits, "\(recomputation)")
            }
            let half = try outcome(name, "packed", type: .bfloat16, dropout: plan)
            #expect(half.cosine(kept) > 0.999)
        }
    }

    @Test(arguments: FamilyFixture.names)
    func `gradients of bfloat16 point where those of Float32 do`(name: String) throws {
        for batch in ["plain", "packed", "prefix"] {
            let exact = try outcome(name, batch, storage: .float32, type: .float32)
            for storage in FrozenWeight.Storage.allCases {
                let half = try outcome(name, batch, storage: storage, type: .bfloat16)
                #expect(half.cosine(exact) > 0.999, "\(storage), \(batch)")
                #expect(half.distance(exact) < 0.03, "\(storage), \(batch)")
                #expect(abs(half.nats - exact.nats) < 0.005 * exact.nats, "\(storage), \(batch)")
            }
        }
    }

    @Test(arguments: FamilyFixture.names, ComputeType.allCases)
    func `a fixed number of threads repeats bit for bit`(name: String, type: ComputeType) throws {
        for threadCount in 1...3 {
            try ComputeThreads.with(count: threadCount) {
                let outcomes = try (0..<2).map { _ in try outcome(name, "packed", type: type) }
                #expect(outcomes[0].nats == outcomes[1].nats)
                #expect(outcomes[0].bits == outcomes[1].bits, "\(threadCount) threads")
            }
        }
    }

    @Test(arguments: ModelOptions.Recomputation.allCases)
    func `weights that stay encoded have the gradients of their values`(
        recomputation: ModelOptions.Recomputation
    ) throws {
        let source = EncodedTensorSource.mixed(slidingWindow: 20)
        let batch = TokenBatch(
            sequenceCount: 2, length: 30, inputs: (0..<60).map { Int32($0 * $0 % 64) },
            targets: (0..<60).map { Int32($0 % 3 == 0 ? -1 : $0) })
        func outcome(_ storage: FrozenWeight.Storage, _ type: ComputeType) throws -> Outcome {
            let model = try CausalLanguageModel(
                source: source,
                options: ModelOptions(
                    storage: storage, computeType: type, recomputation: recomputation))
            let adapter = LoRAAdapter(
                configuration: LoRAConfiguration(rank: 3, alpha: 6), model: model.configuration,
                seed: 6)
            fillB(of: adapter)
            return try Outcome(AdaptedModel(model: model, adapter: adapter), batch)
        }
        let exact = try outcome(.float32, .float32)
        let encoded = try outcome(.encoded, .float32)
        #expect(encoded.distance(exact) < 1e-5)
        #expect(abs(encoded.nats - exact.nats) < 1e-6 * exact.nats)
        let half = try outcome(.encoded, .bfloat16)
        #expect(half.cosine(exact) > 0.999)
        #expect(abs(half.nats - exact.nats) < 0.005 * exact.nats)
    }

    /// In GGUF's Llama models the rows of queries and keys lie in another order.
    @Test(
        arguments: FamilyFixture.names + [
            "gguf/llama3-scaled.gguf", "gguf/qwen2-untied.gguf", "gguf/qwen3.gguf",
        ],
        ComputeType.allCases)
    func `weights in place give the bits of copies, forward and backward`(
        path: String,
        type: ComputeType
    ) throws {
        let file = FamilyFixture.folder.appending(path: path).path
        let batch = TokenBatch(
            sequenceCount: 2, length: 20, inputs: (0..<40).map { Int32($0 * $0 % 61) },
            targets: (0..<40).map { Int32($0 % 7 == 0 ? -1 : $0) })
        try ComputeThreads.with(count: 2) {
            for recomputation in ModelOptions.Recomputation.allCases {
                let outcomes = try [FrozenWeight.Storage.encoded, .mapped, .streamed].map {
                    let model = try CausalLanguageModel(
                        source: ModelFiles.open(path: file),
                        options: ModelOptions(
                            storage: $0, computeType: type, recomputation: recomputation))
                    let adapter = LoRAAdapter(
                        configuration: LoRAConfiguration(rank: 3, alpha: 6),
                        model: model.configuration, seed: 6)
                    fillB(of: adapter)
                    return try Outcome(AdaptedModel(model: model, adapter: adapter), batch)
                }
                for outcome in outcomes[1...] {
                    #expect(outcome.nats == outcomes[0].nats, "\(recomputation)")
                    #expect(outcome.bits == outcomes[0].bits, "\(recomputation)")
                }
            }
        }
    }

    /// Sets every B to values without order; those of a formula nearly cancel in this model, and
    /// its gradients then turn with any rounding.
    private func fillB(of adapter: LoRAAdapter) {
        var state: UInt64 = 12_345
        adapter.parameters = NamedTensors(
            adapter.parameters.elements.map { element in
                guard element.name.contains("lora_B") else { return element }
                let values = element.tensor.values.map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Float(state >> 40) * 0.3 / Float(1 << 24) - 0.15
                }
                return NamedTensors.Element(
                    name: element.name,
                    tensor: FloatTensor(shape: element.tensor.shape, values: values))
            })
    }

    /// The lowest adapted place ends the backward pass, whatever is computed again above it.
    @Test(arguments: Projection.allCases, ModelOptions.Recomputation.allCases)
    func `an adapter on one projection has the gradients it has among all`(
        target: Projection,
        recomputation: ModelOptions.Recomputation
    ) throws {
        let base = try CausalLanguageModel(
            source: MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration()),
            options: ModelOptions(computeType: .bfloat16, recomputation: recomputation))
        func adapter(_ targets: [Projection]) -> LoRAAdapter {
            LoRAAdapter(
                configuration: LoRAConfiguration(rank: 2, alpha: 4, targets: targets),
                model: base.configuration, seed: 3)
        }
        let (whole, single) = (adapter(Projection.allCases), adapter([target]))
        var shared = single.parameters
        for name in shared.names {
            shared.replace(name, with: try #require(whole.parameters[name]))
        }
        single.parameters = shared
        for adapter in [whole, single] {
            _ = AdaptedModel(model: base, adapter: adapter)
                .accumulateGradients(LoRATests.batch, normalizer: 11)
        }
        let expected = whole.gradients
        for element in single.gradients.elements {
            let other = try #require(expected[element.name])
            for (left, right) in zip(element.tensor.values, other.values) {
                #expect(abs(left - right) < 1e-6)
            }
            #expect(element.name.contains("lora_A") || LoRATests.norm(other) > 1e-3)
        }
    }
}
