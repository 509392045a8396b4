internal import Kernels
internal import Models
internal import Tensors

/// The two factors of one projection's change, as values.
struct LoRAProduct: Sendable {
    let a: FloatTensor
    let b: FloatTensor
    let scale: Float

    /// [output, input].
    var shape: Shape { Shape([b.shape.extents[0], a.shape.extents[1]]) }

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
