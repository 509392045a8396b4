import Adapters
import Checkpoints
import Foundation
import Models
import Tensors

@testable import Training

/// A Llama model of 2 layers whose weights are a formula of their place, as in
/// Fixtures/make_loss_curve.py.
struct ClosedFormSource: TensorSource {
    let configuration = ModelConfiguration(
        modelType: "llama",
        hiddenSize: 16,
        intermediateSize: 32,
        layerCount: 2,
        attentionHeadCount: 4,
        keyValueHeadCount: 2,
        headDimension: 4,
        vocabularySize: 64,
        positionCountMax: 2_048,
        rmsNormEpsilon: 1e-5,
        ropeTheta: 10_000,
        tiesWordEmbeddings: true
    )

    private var shapes: [(name: String, shape: Shape)] {
        var shapes = [
            ("model.embed_tokens.weight", Shape([64, 16])), ("model.norm.weight", Shape([16])),
        ]
        for layer in 0..<2 {
            for norm in ["input_layernorm", "post_attention_layernorm"] {
                shapes.append(("model.layers.\(layer).\(norm).weight", Shape([16])))
            }
            for projection in Projection.allCases {
                shapes.append(
                    (
                        projection.modulePath(layer: layer) + ".weight",
                        projection.weightShape(in: configuration)
                    )
                )
            }
        }
        return shapes.sorted { NamedTensors.precedes($0.0, $1.0) }
    }

    var tensors: [TensorDescription] {
        shapes.map {
            TensorDescription(
                name: $0.name,
                shape: $0.shape,
                elementType: .float32,
                byteCount: 4 * $0.shape.elementCount
            )
        }
    }

    struct UnknownTensor: Error {}

    func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let place = shapes.firstIndex(where: { $0.name == name }) else {
            throw UnknownTensor()
        }
        let values: [Float] = (0..<shapes[place].shape.elementCount).map { index in
            name.contains("norm")
                ? Float(1 + 0.1 * sin(0.7 * Double(index) + Double(place)))
                : Float(0.2 * sin(0.37 * Double(index) + 0.11 * Double(place)))
        }
        return try unsafe values.withUnsafeBytes(body)
    }
}

/// The closed-form model with a closed-form adapter, and rows for it.
enum ClosedFormRun {
    /// LoRA of rank 4 on queries and values; B is not zero.
    static func model(isFresh: Bool = false) throws -> AdaptedModel {
        let source = ClosedFormSource()
        let adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 4, alpha: 8, targets: [.query, .value]),
            model: source.configuration,
            seed: 1
        )
        if !isFresh {
            let layout = adapter.parameters.elements
            adapter.parameters = NamedTensors(
                layout.enumerated().map { place, element in
                    let values = (0..<element.tensor.shape.elementCount).map { index in
                        Float(0.1 * sin(0.5 * Double(index) + 0.3 * Double(place)))
                    }
                    return NamedTensors.Element(
                        name: element.name,
                        tensor: FloatTensor(shape: element.tensor.shape, values: values)
                    )
                }
            )
        }
        let model = try CausalLanguageModel(source: source, options: .exact)
        return AdaptedModel(model: model, adapter: adapter)
    }

    /// Rows of 13 tokens; of row j the first 2 j targets don't count.
    static func rows(count: Int = 4) -> [TokenRow] {
        (0..<count).map { row in
            TokenRow(
                tokens: (0..<13).map { Int32((7 * $0 + 3 + 5 * row) % 64) },
                targetRanges: [1 + 2 * (row % 4)..<13],
                byteCount: 12
            )
        }
    }
}
