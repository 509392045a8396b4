import Adapters
import Checkpoints
import Foundation
import Models
import Tensors
import Testing

/// Against `Tests/Fixtures/lora/cases.json`, which `make_fixtures.py` beside it writes.
@Suite struct PEFTParityTests {
    struct Fixture: Decodable {
        var cases: [Case]
    }

    struct Case: Decodable, CustomTestStringConvertible {
        struct Extents: Decodable {
            var vocabSize, hiddenSize, intermediateSize, numHiddenLayers: Int
            var numAttentionHeads, numKeyValueHeads, headDim: Int
            var maxPositionEmbeddings: Int
            var rmsNormEps, ropeTheta: Float
            var tieWordEmbeddings: Bool
        }

        struct Gradient: Decodable {
            var norm: Double
            var places: [Int]
            var values: [Double]
        }

        var name: String
        var config: Extents
        var rank: Int
        var alpha: Double
        var rslora: Bool
        var targets: [String]
        var sequences, length: Int
        var inputs, wanted: [Int32]
        var normalizer: Double
        var baseLoss: Double
        var baseLogits: [Float]
        var loss: Double
        var logits: [Float]
        var gradients: [String: Gradient]

        var testDescription: String { name }

        var configuration: ModelConfiguration {
            ModelConfiguration(
                modelType: "llama",
                hiddenSize: config.hiddenSize,
                intermediateSize: config.intermediateSize,
                layerCount: config.numHiddenLayers,
                attentionHeadCount: config.numAttentionHeads,
                keyValueHeadCount: config.numKeyValueHeads,
                headDimension: config.headDim,
                vocabularySize: config.vocabSize,
                positionCountMax: config.maxPositionEmbeddings,
                rmsNormEpsilon: config.rmsNormEps,
                ropeTheta: config.ropeTheta,
                tiesWordEmbeddings: config.tieWordEmbeddings
            )
        }

        var batch: TokenBatch {
            TokenBatch(
                sequenceCount: sequences, length: length, inputs: inputs, targets: wanted)
        }
    }

    static func cases() throws -> [Case] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/lora/cases.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Fixture.self, from: Data(contentsOf: file)).cases
    }

    @Test(arguments: try cases())
    func `losses, logits and all gradients are those of PEFT`(test: Case) throws {
        let source = MemoryTensorSource.closedForm(test.configuration)
        let base = try CausalLanguageModel(source: source, options: .exact)
        #expect(abs(base.loss(test.batch).nats - test.baseLoss) < 1e-5 * test.baseLoss)
        expectEqual(base.logits(test.batch), test.baseLogits, test)

        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(
                rank: test.rank,
                alpha: test.alpha,
                targets: test.targets.compactMap(Projection.init),
                usesRSLoRA: test.rslora
            ),
            model: test.configuration,
            seed: 0
        )
        adapter.parameters = LoRATests.closedForm(adapter.parameters)
        let model = AdaptedModel(model: base, adapter: adapter)
        expectEqual(base.logits(test.batch, tap: adapter), test.logits, test)
        #expect(abs(model.loss(test.batch).nats - test.loss) < 1e-5 * test.loss)
        let sum = model.accumulateGradients(test.batch, normalizer: test.normalizer)
        #expect(abs(sum.nats - test.loss) < 1e-5 * test.loss)
        #expect(sum.tokenCount == test.wanted.count { $0 >= 0 })

        let gradients = adapter.gradients
        #expect(Set(gradients.names) == Set(test.gradients.keys))
        for (name, expected) in test.gradients {
            let tensor = try #require(gradients[name])
            let tolerance = 1e-4 * expected.norm
            #expect(abs(LoRATests.norm(tensor) - expected.norm) < tolerance, "\(name)")
            for (place, value) in zip(expected.places, expected.values) {
                #expect(abs(Double(tensor.values[place]) - value) < tolerance, "\(name)")
            }
        }
    }

    private func expectEqual(_ logits: FloatTensor, _ expected: [Float], _ test: Case) {
        let last = logits.values.count - test.config.vocabSize
        for (index, value) in expected.enumerated() {
            #expect(abs(logits.values[last + index] - value) < 2e-5)
        }
    }
}
