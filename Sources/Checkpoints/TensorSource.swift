public import Tensors

/// What a checkpoint says of one tensor before its bytes are read.
public struct TensorDescription: Hashable, Sendable {
    /// The Hugging Face name, as in `model.layers.0.self_attn.q_proj.weight`.
    public let name: String
    /// The extents, row-major: `[output, input]` for a projection.
    public let shape: Shape
    /// How the elements are encoded.
    public let elementType: ElementType
    /// The bytes that the elements take.
    public let byteCount: Int

    /// Describes a tensor whose byte count follows from its shape and type.
    public init(name: String, shape: Shape, elementType: ElementType, byteCount: Int) {
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.byteCount = byteCount
    }
}

/// Where a model's weights come from: a GGUF file, safetensors files, or the node's store.
///
/// Every source speaks Hugging Face names and Hugging Face row order, whatever its file holds.
public protocol TensorSource: Sendable {
    /// The architecture and its extents.
    var configuration: ModelConfiguration { get }

    /// The tensors in ascending order of the names' UTF-8 bytes.
    var tensors: [TensorDescription] { get }

    /// Lends the bytes of a tensor for the length of a call; they may lie in a memory map and are
    /// not aligned for any type.
    ///
    /// - Throws: what `body` throws, or the source's own error when the name is unknown or the
    ///   bytes can't be read.
    func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result

    /// The rows of a tensor where they lie in a memory map, to be used in place; `nil` where bytes
    /// are lent for the length of a call only.
    ///
    /// - Throws: the source's own error when the name is unknown or the bytes can't be read.
    func mappedRows(of name: String) throws -> MappedRows?
}

extension TensorSource {
    /// Nothing: a source without a map only lends.
    public func mappedRows(of name: String) throws -> MappedRows? { nil }
}
