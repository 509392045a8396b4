internal import Tensors

/// Writes copies of GGUF models in which some tensors have other values.
public enum GGUFModelCopy {
    /// Copies a model file: all of its metadata and all tensors but the replaced ones byte by byte.
    ///
    /// - Parameters:
    ///   - basePath: the file to copy.
    ///   - replacedNames: Hugging Face names of tensors that come from `source` instead, in the shape
    ///     that they have in the file and the element type that they have there.
    ///   - source: speaks Hugging Face names and row order; its configuration is the file's.
    ///   - path: where nothing is yet.
    /// - Throws: `invalidTensor` for a name that the file lacks or whose shape differs;
    ///   `notReplaceable`; what the source throws.
    public static func write(
        _ basePath: String,
        replacing replacedNames: Set<String>,
        from source: any TensorSource,
        to path: String
    ) throws {
        let base = try GGUFContents(path: basePath)
        let names = try GGUFExportNames(source.configuration, path: basePath)
        let replacements = try replacements(replacedNames, in: base, names, source, path: basePath)
        let tensors = base.tensors.map { replacements[$0.name]?.description ?? $0 }
        var writer = try GGUFWriter(path: path, fields: base.fields, tensors: tensors)
        for tensor in tensors {
            guard let replacement = replacements[tensor.name] else {
                try unsafe base.withBytes(of: tensor.name) { try unsafe writer.append($0) }
                continue
            }
            try unsafe source.withBytes(of: replacement.name) { bytes in
                guard bytes.count == tensor.byteCount else {
                    throw CheckpointError.invalidTensor(
                        path: basePath,
                        tensor: tensor.name,
                        problem: .lengthMismatch(
                            actual: UInt64(bytes.count), expected: UInt64(tensor.byteCount))
                    )
                }
                guard let headRowCount = replacement.headRowCount else {
                    return try unsafe writer.append(bytes)
                }
                let rows = unsafe RotaryRows.interleavedOrder(
                    bytes,
                    rowByteCount: tensor.byteCount / tensor.shape.extents[0],
                    headRowCount: headRowCount
                )
                try unsafe rows.withUnsafeBytes { try unsafe writer.append($0) }
            }
        }
        try writer.commit(replaces: false)
    }

    private struct Replacement {
        /// In the file that is written.
        let description: TensorDescription
        /// In the source.
        let name: String
        let headRowCount: Int?
    }

    /// The replaced tensors by the names of the file.
    private static func replacements(
        _ wanted: Set<String>,
        in base: GGUFContents,
        _ names: GGUFExportNames,
        _ source: any TensorSource,
        path: String
    ) throws(CheckpointError) -> [String: Replacement] {
        let offered = Dictionary(source.tensors.map { ($0.name, $0) }) { first, _ in first }
        var missing = wanted
        var result: [String: Replacement] = [:]
        for tensor in base.tensors {
            guard let found = names.huggingFaceName(of: tensor.name),
                missing.remove(found.name) != nil
            else { continue }
            guard let other = offered[found.name], other.shape == tensor.shape,
                tensor.shape.extents[0] % (found.headRowCount ?? 1) == 0
            else {
                throw .invalidTensor(
                    path: path,
                    tensor: tensor.name,
                    problem: .shapeMismatch(
                        actual: tensor.shape.extents,
                        expected: offered[found.name].map { "\($0.shape.extents)" } ?? "a tensor"
                    )
                )
            }
            result[tensor.name] = Replacement(
                description: TensorDescription(
                    name: tensor.name,
                    shape: tensor.shape,
                    elementType: other.elementType,
                    byteCount: other.byteCount
                ),
                name: found.name,
                headRowCount: found.headRowCount
            )
        }
        if let name = missing.min() {
            throw .invalidTensor(path: path, tensor: name, problem: .missing)
        }
        return result
    }
}
