import Adapters
import Checkpoints
import Kernels
import Models
import Tensors
import Testing

/// Against torch's own networks, which see all positions at once.
@Suite struct READParityTests {
    @Test(arguments: try READFixture.cases())
    func `losses, logits and all gradients are those of torch, in chunks of any size`(
        test: READFixture.Case
    ) throws {
        let source = try READFixture.source()
        let configuration = try test.configuration(state: READFixture.read().state)
        for chunkRowCount in [1, 4, 5, 128] {
            var options = ModelOptions.exact
            options.logitsRowCount = chunkRowCount
            let base = try CausalLanguageModel(source: source, options: options)
            let adapter = READFixture.adapter(configuration, base.configuration)
            let model = AdaptedModel(model: base, adapter: adapter)
            #expect(abs(model.loss(test.batch).nats - test.loss) < 1e-6 * test.loss)
            let sum = model.accumulateGradients(test.batch, normalizer: test.normalizer)
            #expect(abs(sum.nats - test.loss) < 1e-6 * test.loss)
            #expect(sum.tokenCount == test.wanted.count { $0 >= 0 })

            let logits = base.logits(test.batch, through: adapter.tap).values
            let width = base.configuration.vocabularySize
            for (place, row) in [0, 7, test.inputs.count - 1].enumerated() {
                for column in 0..<6 {
                    let difference = logits[row * width + column] - test.logits[6 * place + column]
                    #expect(abs(difference) < 1e-5)
                }
            }

            let gradients = adapter.gradients
            #expect(Set(gradients.names) == Set(test.gradients.keys))
            for (name, expected) in test.gradients {
                let tensor = try #require(gradients[name])
                #expect(
                    abs(LoRATests.norm(tensor) - expected.norm) <= 1e-5 * expected.norm, "\(name)")
                for (index, value) in expected.values.enumerated() {
                    let difference = Double(tensor.values[3 * index]) - value
                    #expect(abs(difference) <= 1e-5 * expected.norm, "\(name)")
                }
            }
        }
    }

    /// The slope along the gradient is the gradient's length, and that of single values theirs.
    @Test(arguments: try READFixture.cases())
    func `every tensor's gradient is the slope of the loss`(test: READFixture.Case) throws {
        let base = try CausalLanguageModel(source: READFixture.source(), options: .exact)
        let adapter = READFixture.adapter(
            try test.configuration(state: READFixture.read().state), base.configuration)
        let model = AdaptedModel(model: base, adapter: adapter)
        _ = model.accumulateGradients(test.batch, normalizer: 1)
        let start = adapter.parameters
        for element in adapter.gradients.elements {
            let gradient = element.tensor.values
            let norm = LoRATests.norm(element.tensor)
            // One step from a state of 0 takes nothing of the state's weight.
            let isIdle =
                element.name == "read.rnn.weight_hh_l0" && test.layers?.count == 1 && !test.`init`
            #expect(norm > 1e-4 || isIdle, "\(element.name) has no gradient to compare")
            guard !isIdle else { continue }
            // A change of the loss that is far above rounding and small for the curve.
            let step = Float(min(0.02 / norm, 0.08))
            func loss(_ sign: Float) throws -> Double {
                var moved = start
                var tensor = try #require(moved[element.name])
                for index in tensor.values.indices {
                    tensor.values[index] += sign * step * gradient[index] / Float(norm)
                }
                moved.replace(element.name, with: tensor)
                adapter.parameters = moved
                defer { adapter.parameters = start }
                return model.loss(test.batch).nats
            }
            let slope = try (loss(1) - loss(-1)) / (2 * Double(step))
            #expect(abs(slope - norm) < 1e-2 * norm, "\(element.name): \(slope), not \(norm)")
        }
    }
}
