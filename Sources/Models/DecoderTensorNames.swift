internal import Checkpoints
internal import Tensors

/// The tensors of a decoder's checkpoint, by their Hugging Face names.
struct DecoderTensorNames {
    typealias Entry = (name: String, shape: Shape)

    struct Layer {
        let inputNorm, output, middleNorm, down: Entry
        let queryKeyValue, gateUp: [Entry]
        let extras: AttentionExtras
    }

    let embedding, finalNorm, head: Entry
    let layers: [Layer]
    /// Everything that is read.
    let all: [Entry]

    init(_ model: ModelConfiguration) {
        let table = Shape([model.vocabularySize, model.hiddenSize])
        let norm = Shape([model.hiddenSize])
        embedding = ("model.embed_tokens.weight", table)
        finalNorm = ("model.norm.weight", norm)
        head = ("lm_head.weight", table)
        layers = (0..<model.layerCount).map { index in
            func weight(_ projection: Projection) -> Entry {
                (
                    projection.modulePath(layer: index) + ".weight",
                    projection.weightShape(in: model)
                )
            }
            return Layer(
                inputNorm: ("model.layers.\(index).input_layernorm.weight", norm),
                output: weight(.output),
                middleNorm: ("model.layers.\(index).post_attention_layernorm.weight", norm),
                down: weight(.down),
                queryKeyValue: [weight(.query), weight(.key), weight(.value)],
                gateUp: [weight(.gate), weight(.up)],
                extras: AttentionExtras(model, layer: index)
            )
        }
        let shared =
            model.tiesWordEmbeddings ? [embedding, finalNorm] : [embedding, finalNorm, head]
        all = layers.reduce(into: shared) { all, layer in
            all += [layer.inputNorm, layer.output, layer.middleNorm, layer.down]
            all += layer.queryKeyValue + layer.gateUp + layer.extras.all
        }
    }
}
