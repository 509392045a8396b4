internal import Checkpoints
internal import Kernels
internal import Tensors

/// Reads a source's tensors, after all of them were found to be there.
struct TensorLoader {
    private let source: any TensorSource
    private let storage: FrozenWeight.Storage
    private let descriptions: [String: TensorDescription]

    init(source: any TensorSource, storage: FrozenWeight.Storage) {
        self.source = source
        self.storage = storage
        descriptions = Dictionary(
            source.tensors.map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Compares a tensor's description with what a model needs, before anything is allocated.
    func require(_ name: String, shape: Shape) throws(ModelError) {
        let description = try description(name)
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

    /// Reads matrices of equal row length below one another, kept as the storage says.
    ///
    /// What is to stay in place is copied where the source has no map.
    func weight(
        _ entries: [DecoderTensorNames.Entry]
    ) throws(ModelError) -> FrozenWeight {
        if storage.isInPlace, let weight = try weightInPlace(entries) { return weight }
        var parts: [(rowCount: Int, type: ElementType)] = []
        for entry in entries {
            let type = try description(entry.name).elementType
            parts.append((entry.shape.extents[0], type))
        }
        let weight = FrozenWeight(
            parts: parts,
            columnCount: entries[0].shape.extents[1],
            storage: storage
        )
        var row = 0
        for (entry, part) in zip(entries, parts) {
            let rows = row..<row + part.rowCount
            row = rows.upperBound
            var isFinite = false
            try unsafe withBytes(entry.name) { bytes in
                isFinite = unsafe weight.fill(rows: rows, from: bytes, type: part.type)
            }
            guard isFinite else { throw .nonFiniteTensor(name: entry.name) }
        }
        return weight
    }

    /// Uses matrices where they lie; `nil` unless the source has all of them in a map.
    private func weightInPlace(
        _ entries: [DecoderTensorNames.Entry]
    ) throws(ModelError) -> FrozenWeight? {
        var parts: [(rowCount: Int, type: ElementType, rows: MappedRows)] = []
        for entry in entries {
            let description = try description(entry.name)
            guard let rows = try mappedRows(entry.name) else { return nil }
            guard rows.byteCount == description.byteCount else {
                throw .byteCountMismatch(
                    name: entry.name,
                    expected: description.byteCount,
                    actual: rows.byteCount
                )
            }
            parts.append((entry.shape.extents[0], description.elementType, rows))
        }
        let weight = FrozenWeight(
            mapped: parts,
            columnCount: entries[0].shape.extents[1],
            givesBackPages: storage == .streamed
        )
        var row = 0
        for (entry, part) in zip(entries, parts) {
            let rows = row..<row + part.rowCount
            row = rows.upperBound
            guard weight.isFinite(rows: rows) else { throw .nonFiniteTensor(name: entry.name) }
        }
        return weight
    }

    private func mappedRows(_ name: String) throws(ModelError) -> MappedRows? {
        do {
            return try source.mappedRows(of: name)
        } catch {
            throw .unreadableTensor(name: name, reason: "\(error)")
        }
    }

    /// Reads vectors side by side, as Float32.
    ///
    /// Shape: [1, all their elements].
    func vector(_ entries: [DecoderTensorNames.Entry]) throws(ModelError) -> Matrix {
        let count = entries.reduce(0) { $0 + $1.shape.elementCount }
        let vector = FloatBuffer(count: count).take(rows: 1, columns: count)
        var column = 0
        for entry in entries {
            let part = vector.columns(column..<column + entry.shape.elementCount)
            column += entry.shape.elementCount
            let type = try description(entry.name).elementType
            try unsafe withBytes(entry.name) { bytes in
                let values = FloatBuffer(count: part.columnCount)
                    .take(rows: 1, columns: part.columnCount)
                unsafe Dequantizer.convert(bytes, elementType: type, into: values)
                part.copy(from: values)
            }
            guard Dequantizer.isFinite(part) else { throw .nonFiniteTensor(name: entry.name) }
        }
        return vector
    }

    /// Reads a vector that may not belong to the model.
    func vector(_ entry: DecoderTensorNames.Entry?) throws(ModelError) -> Matrix? {
        guard let entry else { return nil }
        return try vector([entry])
    }

    private func description(_ name: String) throws(ModelError) -> TensorDescription {
        guard let description = descriptions[name] else { throw .missingTensor(name: name) }
        return description
    }

    /// Lends a tensor's bytes, as many as its description says.
    private func withBytes(
        _ name: String,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(ModelError) {
        let expected = try description(name).byteCount
        do {
            try unsafe source.withBytes(of: name) { bytes in
                guard bytes.count == expected else {
                    throw ModelError.byteCountMismatch(
                        name: name,
                        expected: expected,
                        actual: bytes.count
                    )
                }
                unsafe body(bytes)
            }
        } catch let error as ModelError {
            throw error
        } catch {
            throw .unreadableTensor(name: name, reason: "\(error)")
        }
    }
}
