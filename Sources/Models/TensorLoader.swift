internal import Checkpoints
internal import Kernels
internal import Tensors

/// Reads a source's tensors into matrices, after all of them were found to be there.
struct TensorLoader {
    private let source: any TensorSource
    private let descriptions: [String: TensorDescription]

    init(source: any TensorSource) {
        self.source = source
        descriptions = Dictionary(
            source.tensors.map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Compares a tensor's description with what a model needs, before anything is allocated.
    func require(_ name: String, shape: Shape) throws(ModelError) {
        guard let description = descriptions[name] else { throw .missingTensor(name: name) }
        guard description.shape == shape else {
            throw .shapeMismatch(name: name, expected: shape, actual: description.shape)
        }
        guard let byteCount = description.elementType.byteCount(of: shape) else {
            throw .byteCountMismatch(name: name, expected: 0, actual: description.byteCount)
        }
        guard description.byteCount == byteCount else {
            throw .byteCountMismatch(
                name: name,
                expected: byteCount,
                actual: description.byteCount
            )
        }
    }

    /// Converts a required tensor into a matrix of as many elements.
    func load(_ name: String, into matrix: Matrix) throws(ModelError) {
        guard let description = descriptions[name] else { throw .missingTensor(name: name) }
        do {
            try unsafe source.withBytes(of: name) { bytes in
                guard bytes.count == description.byteCount else {
                    throw ModelError.byteCountMismatch(
                        name: name,
                        expected: description.byteCount,
                        actual: bytes.count
                    )
                }
                unsafe Dequantizer.convert(
                    bytes,
                    elementType: description.elementType,
                    into: matrix
                )
            }
        } catch let error as ModelError {
            throw error
        } catch {
            throw .unreadableTensor(name: name, reason: "\(error)")
        }
        guard Dequantizer.isFinite(matrix) else { throw .nonFiniteTensor(name: name) }
    }
}
