public import Checkpoints
internal import Kernels
internal import Models
public import Tensors

/// A model's tensors with an adapter added into them: W + s B A, computed in Float32.
///
/// Reads one tensor at a time, so that a merged model can be written without being held.
public struct MergedTensorSource: TensorSource {
    /// The element types that tensors come out in.
    public enum Encoding: Hashable, Sendable {
        /// Changed tensors have this type, where their rows are whole blocks of it; the others are
        /// as they are.
        case changed(ElementType)
        /// Every tensor has its own type; changed ones are rounded to it again.
        case original
        /// Every tensor has this type.
        case uniform(ElementType)

        /// Changed tensors are Float32; the others are as they are.
        public static let exact = Encoding.changed(.float32)
    }

    private let base: any TensorSource
    private let adapted: [String: LoRAProduct]
    private let encoding: Encoding

    /// Pairs a model's source with an adapter that fits it.
    public init(base: any TensorSource, adapter: LoRAAdapter, encoding: Encoding = .exact) {
        precondition(
            adapter.model.hasSameProjections(as: base.configuration),
            "the adapter was made for another model"
        )
        self.base = base
        self.encoding = encoding
        adapted = LoRAProduct.all(of: adapter)
    }

    /// The model's configuration, unchanged.
    public var configuration: ModelConfiguration { base.configuration }

    /// The names of the tensors that the adapter changes.
    public var changedNames: Set<String> { Set(adapted.keys) }

    /// The model's tensors with the types that they come out in.
    ///
    /// Rows that are no whole number of blocks of a uniform type stay as they are.
    public var tensors: [TensorDescription] { base.tensors.map(encoded) }

    /// Lends the bytes of a tensor, merged where the adapter changes it.
    ///
    /// - Throws: as the model's source does; `ModelError` where its bytes don't fit its own
    ///   description or a merged value is beyond its type's numbers.
    public func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let description = base.tensors.first(where: { $0.name == name }) else {
            return try unsafe base.withBytes(of: name, body)
        }
        let product = adapted[name]
        let elementType = encoded(description).elementType
        if product == nil, elementType == description.elementType {
            return try unsafe base.withBytes(of: name, body)
        }
        let extents = description.shape.extents
        let columns = extents.last ?? 1
        let rows = columns == 0 ? 0 : description.shape.elementCount / columns
        let buffer = FloatBuffer(count: rows * columns)
        let weight = buffer.take(rows: rows, columns: columns)
        try read(description, into: weight)
        if let product {
            guard description.shape == product.shape else {
                throw ModelError.shapeMismatch(
                    name: name,
                    expected: product.shape,
                    actual: description.shape
                )
            }
            product.add(to: weight)
        }
        guard elementType != .float32 else {
            guard Dequantizer.isFinite(weight) else {
                throw ModelError.nonFiniteTensor(name: name)
            }
            return try unsafe buffer.withValues { values in
                try unsafe body(UnsafeRawBufferPointer(values))
            }
        }
        let bytes = Quantizer.convert(weight, elementType: elementType)
        return try unsafe bytes.withUnsafeBytes { bytes in
            // Not only what was infinite before: a scale or a value may not fit the type.
            unsafe Dequantizer.convert(bytes, elementType: elementType, into: weight)
            guard Dequantizer.isFinite(weight) else {
                throw ModelError.nonFiniteTensor(name: name)
            }
            return try unsafe body(bytes)
        }
    }

    /// A description with the type that the tensor comes out in.
    private func encoded(_ description: TensorDescription) -> TensorDescription {
        let isChanged = adapted[description.name] != nil
        let elementType: ElementType =
            switch encoding {
            case .changed(let elementType): isChanged ? elementType : description.elementType
            case .original: description.elementType
            case .uniform(let elementType): elementType
            }
        guard let byteCount = elementType.byteCount(of: description.shape) else {
            return description
        }
        return TensorDescription(
            name: description.name,
            shape: description.shape,
            elementType: elementType,
            byteCount: byteCount
        )
    }

    private func read(_ description: TensorDescription, into weight: Matrix) throws {
        try unsafe base.withBytes(of: description.name) { bytes in
            let expected = description.elementType.byteCount(of: description.shape) ?? 0
            guard bytes.count == expected else {
                throw ModelError.byteCountMismatch(
                    name: description.name,
                    expected: expected,
                    actual: bytes.count
                )
            }
            unsafe Dequantizer.convert(bytes, elementType: description.elementType, into: weight)
        }
    }
}
