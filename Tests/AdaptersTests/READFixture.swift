import Adapters
import Checkpoints
import Foundation
import Kernels
import Models
import Tensors
import Testing

/// `Tests/Fixtures/read/cases.json`, which `make_fixtures.py` beside it writes.
struct READFixture: Decodable {
    struct Case: Decodable, CustomTestStringConvertible {
        struct Gradient: Decodable {
            var norm: Double
            var values: [Double]
        }

        var cell, aggregation: String
        var inScale, outScale: Double
        var layers: [Int]?
        var `init`: Bool
        var sequences, length: Int
        var inputs, wanted: [Int32]
        var normalizer: Double
        var loss: Double
        var logits: [Float]
        var gradients: [String: Gradient]

        var testDescription: String {
            let layers = layers.map { "\($0)" } ?? "all"
            return "\(cell), \(aggregation), layers \(layers)" + (`init` ? ", embedding" : "")
        }

        var batch: TokenBatch {
            TokenBatch(
                sequenceCount: sequences, length: length, inputs: inputs, targets: wanted)
        }

        func configuration(state: Int) throws -> READConfiguration {
            guard
                let cell = RecurrentCell(rawValue: cell),
                let aggregation = READConfiguration.Aggregation(rawValue: aggregation)
            else { throw CocoaError(.coderInvalidValue) }
            return READConfiguration(
                stateSize: state, cell: cell, aggregation: aggregation, inputScale: inScale,
                outputScale: outScale, adaptedLayers: layers, startsFromEmbedding: `init`)
        }
    }

    var model: PEFTParityTests.Case.Extents
    var state: Int
    var cases: [Case]

    static func read() throws -> READFixture {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/read/cases.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(READFixture.self, from: Data(contentsOf: file))
    }

    static func cases() throws -> [Case] { try read().cases }

    /// The model of all cases.
    static func source() throws -> MemoryTensorSource {
        let extents = try read().model
        return MemoryTensorSource.closedForm(
            ModelConfiguration(
                modelType: "llama",
                hiddenSize: extents.hiddenSize,
                intermediateSize: extents.intermediateSize,
                layerCount: extents.numHiddenLayers,
                attentionHeadCount: extents.numAttentionHeads,
                keyValueHeadCount: extents.numKeyValueHeads,
                headDimension: extents.headDim,
                vocabularySize: extents.vocabSize,
                positionCountMax: extents.maxPositionEmbeddings,
                rmsNormEpsilon: extents.rmsNormEps,
                ropeTheta: extents.ropeTheta,
                tiesWordEmbeddings: extents.tieWordEmbeddings
            ))
    }

    /// An adapter with values 0.3 sin(0.5 k + 0.3 t) by the place of the name in the sorted list, one more
    /// for the norm.
    static func adapter(
        _ configuration: READConfiguration,
        _ model: ModelConfiguration
    ) -> READAdapter {
        let adapter = READAdapter(configuration: configuration, model: model, seed: 1)
        adapter.parameters = NamedTensors(
            adapter.parameters.elements.enumerated().map { place, element in
                let offset = element.name == "read.norm.weight" ? 1.0 : 0
                return NamedTensors.Element(
                    name: element.name,
                    tensor: FloatTensor(
                        shape: element.tensor.shape,
                        values: element.tensor.values.indices.map {
                            Float(offset + 0.3 * sin(0.5 * Double($0) + 0.3 * Double(place)))
                        }
                    )
                )
            }
        )
        return adapter
    }
}
