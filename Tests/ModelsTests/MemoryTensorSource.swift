import Checkpoints
import Foundation
import Tensors

/// A checkpoint in memory.
struct MemoryTensorSource: TensorSource {
    enum Failure: Error { case unknownTensor }

    var configuration: ModelConfiguration
    var values: [String: FloatTensor]

    var tensors: [TensorDescription] {
        values.keys.sorted().compactMap { name in
            values[name].map {
                TensorDescription(
                    name: name,
                    shape: $0.shape,
                    elementType: .float32,
                    byteCount: 4 * $0.shape.elementCount
                )
            }
        }
    }

    func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let tensor = values[name] else { throw Failure.unknownTensor }
        return try unsafe tensor.values.withUnsafeBytes(body)
    }
}

extension MemoryTensorSource {
    /// The extents of the small models of the tests.
    static func smallConfiguration(ties: Bool = true) -> ModelConfiguration {
        ModelConfiguration(
            modelType: "llama",
            hiddenSize: 16,
            intermediateSize: 32,
            layerCount: 2,
            attentionHeadCount: 4,
            keyValueHeadCount: 2,
            headDimension: 4,
            vocabularySize: 64,
            positionCountMax: 64,
            rmsNormEpsilon: 1e-5,
            ropeTheta: 10000,
            tiesWordEmbeddings: ties
        )
    }

    /// A model whose weights follow from the place of their name in the sorted list of names:
    /// 1 + 0.1 sin(0.7 k + t) for norms and 0.2 sin(0.37 k + 0.11 t) for the others.
    static func closedForm(_ configuration: ModelConfiguration) -> MemoryTensorSource {
        let model = configuration
        var shapes: [String: Shape] = [
            "model.embed_tokens.weight": Shape([model.vocabularySize, model.hiddenSize]),
            "model.norm.weight": Shape([model.hiddenSize]),
        ]
        if !model.tiesWordEmbeddings {
            shapes["lm_head.weight"] = Shape([model.vocabularySize, model.hiddenSize])
        }
        let queries = model.attentionHeadCount * model.headDimension
        let keys = model.keyValueHeadCount * model.headDimension
        for layer in 0..<model.layerCount {
            let prefix = "model.layers.\(layer)."
            shapes[prefix + "input_layernorm.weight"] = Shape([model.hiddenSize])
            shapes[prefix + "post_attention_layernorm.weight"] = Shape([model.hiddenSize])
            shapes[prefix + "self_attn.q_proj.weight"] = Shape([queries, model.hiddenSize])
            shapes[prefix + "self_attn.k_proj.weight"] = Shape([keys, model.hiddenSize])
            shapes[prefix + "self_attn.v_proj.weight"] = Shape([keys, model.hiddenSize])
            shapes[prefix + "self_attn.o_proj.weight"] = Shape([model.hiddenSize, queries])
            let inner = model.intermediateSize
            shapes[prefix + "mlp.gate_proj.weight"] = Shape([inner, model.hiddenSize])
            shapes[prefix + "mlp.up_proj.weight"] = Shape([inner, model.hiddenSize])
            shapes[prefix + "mlp.down_proj.weight"] = Shape([model.hiddenSize, inner])
        }
        var values: [String: FloatTensor] = [:]
        for (place, name) in shapes.keys.sorted().enumerated() {
            guard let shape = shapes[name] else { continue }
            let t = Double(place)
            let isNorm = name.contains("norm")
            values[name] = FloatTensor(
                shape: shape,
                values: (0..<shape.elementCount).map { index in
                    let k = Double(index)
                    return Float(
                        isNorm ? 1 + 0.1 * sin(0.7 * k + t) : 0.2 * sin(0.37 * k + 0.11 * t))
                }
            )
        }
        return MemoryTensorSource(configuration: model, values: values)
    }
}
