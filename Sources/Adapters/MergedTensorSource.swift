public import Checkpoints
internal import Kernels
internal import Models
internal import Tensors

/// A model's tensors with an adapter added into them: W + s B A, in Float32.
///
/// Reads one tensor at a time, so that a merged model can be written without being held.
public struct MergedTensorSource: TensorSource {
    private let base: any TensorSource
    private let adapted: [String: LoRAProduct]

    /// Pairs a model's source with an adapter that fits it.
    public init(base: any TensorSource, adapter: LoRAAdapter) {
        precondition(
            adapter.model.hasSameProjections(as: base.configuration),
            "the adapter was made for another model"
        )
        self.base = base
        adapted = LoRAProduct.all(of: adapter)
    }

    /// The model's configuration, unchanged.
    public var configuration: ModelConfiguration { base.configuration }

    /// The model's tensors; those that the adapter changes are Float32.
    public var tensors: [TensorDescription] {
        base.tensors.map { description in
            guard adapted[description.name] != nil else { return description }
            return TensorDescription(
                name: description.name,
                shape: description.shape,
                elementType: .float32,
                byteCount: description.shape.elementCount * 4
            )
        }
    }

    /// Lends the bytes of a tensor, merged where the adapter changes it.
    ///
    /// - Throws: as the model's source does, and `ModelError` where its bytes don't fit its own
    ///   description.
    public func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard
            let product = adapted[name],
            let description = base.tensors.first(where: { $0.name == name })
        else { return try unsafe base.withBytes(of: name, body) }
        let rows = product.b.shape.extents[0]
        let columns = product.a.shape.extents[1]
        let shape = Shape([rows, columns])
        guard description.shape == shape else {
            throw ModelError.shapeMismatch(
                name: name,
                expected: shape,
                actual: description.shape
            )
        }
        let buffer = FloatBuffer(count: rows * columns)
        let weight = buffer.take(rows: rows, columns: columns)
        try unsafe base.withBytes(of: name) { bytes in
            let byteCount = description.elementType.byteCount(of: shape) ?? 0
            guard bytes.count == byteCount else {
                throw ModelError.byteCountMismatch(
                    name: name,
                    expected: byteCount,
                    actual: bytes.count
                )
            }
            unsafe Dequantizer.convert(bytes, elementType: description.elementType, into: weight)
        }
        product.add(to: weight)
        return try unsafe buffer.withValues { values in
            try unsafe body(UnsafeRawBufferPointer(values))
        }
    }
}

/// The two factors of one projection, as values.
private struct LoRAProduct: Sendable {
    let a: FloatTensor
    let b: FloatTensor
    let scale: Float

    static func all(of adapter: LoRAAdapter) -> [String: LoRAProduct] {
        let parameters = adapter.parameters
        var products: [String: LoRAProduct] = [:]
        for pair in adapter.layout.pairs {
            let name = pair.projection.modulePath(layer: pair.layer) + ".weight"
            guard
                let a = parameters[LoRAAdapter.name(pair, "A")],
                let b = parameters[LoRAAdapter.name(pair, "B")]
            else { preconditionFailure("an adapter without its own tensors") }
            products[name] = LoRAProduct(a: a, b: b, scale: Float(adapter.configuration.scale))
        }
        return products
    }

    func add(to weight: Matrix) {
        let buffer = FloatBuffer(count: a.values.count + b.values.count)
        let left = buffer.matrix(at: 0, rows: b.shape.extents[0], columns: b.shape.extents[1])
        let right = buffer.matrix(
            at: b.values.count,
            rows: a.shape.extents[0],
            columns: a.shape.extents[1]
        )
        left.copy(from: b.values)
        right.copy(from: a.values)
        MatrixProduct.multiply(
            .float32(left), .float32(right), into: weight, scale: scale, adds: true)
    }
}
