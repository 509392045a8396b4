import Checkpoints
import Kernels
import Models
import Tensors

/// One layer with the extents of SmolLM2-135M, with a small vocabulary and random weights.
struct RandomModel: TensorSource {
    enum Failure: Error { case unknownTensor(String) }

    let configuration = ModelConfiguration(
        modelType: "llama",
        hiddenSize: 576,
        intermediateSize: 1536,
        layerCount: 1,
        attentionHeadCount: 9,
        keyValueHeadCount: 3,
        headDimension: 64,
        vocabularySize: 256,
        positionCountMax: 2048,
        rmsNormEpsilon: 1e-5,
        ropeTheta: 100_000,
        tiesWordEmbeddings: true
    )
    /// How the matrices are encoded; norms are Float32.
    let elementType: ElementType

    private var shapes: [String: Shape] {
        let hidden = configuration.hiddenSize
        var shapes = [
            "model.embed_tokens.weight": Shape([configuration.vocabularySize, hidden]),
            "model.norm.weight": Shape([hidden]),
            "model.layers.0.input_layernorm.weight": Shape([hidden]),
            "model.layers.0.post_attention_layernorm.weight": Shape([hidden]),
        ]
        for projection in Projection.allCases {
            shapes[projection.modulePath(layer: 0) + ".weight"] =
                projection.weightShape(in: configuration)
        }
        return shapes
    }

    private func type(of shape: Shape) -> ElementType {
        shape.extents.count == 1 ? .float32 : elementType
    }

    var tensors: [TensorDescription] {
        shapes.sorted { $0.key < $1.key }.map { name, shape in
            TensorDescription(
                name: name,
                shape: shape,
                elementType: type(of: shape),
                byteCount: type(of: shape).byteCount(of: shape) ?? 0
            )
        }
    }

    func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let shape = shapes[name] else { throw Failure.unknownTensor(name) }
        let rowCount = shape.extents.count == 1 ? 1 : shape.extents[0]
        let columnCount = shape.elementCount / rowCount
        let values = FloatBuffer(count: shape.elementCount)
            .take(rows: rowCount, columns: columnCount)
        var state: UInt32 = 1
        values.copy(
            from: (0..<shape.elementCount).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return 0.1 * (Float(state >> 8) / Float(1 << 23) - 1)
            })
        let bytes = Quantizer.convert(values, elementType: type(of: shape))
        return try unsafe bytes.withUnsafeBytes(body)
    }
}
