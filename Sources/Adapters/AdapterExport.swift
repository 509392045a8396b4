public import Checkpoints
internal import Models
public import Tensors

/// Writes an adapter, or a model that it is added into, where other programs can use it.
///
/// Nothing that is at the path already is touched, and what is written appears complete or not at
/// all.
public enum AdapterExport {
    /// Writes a GGUF file that llama.cpp adds to the base model at run time.
    ///
    /// - Throws: `CheckpointError`, as ``GGUFAdapter`` does.
    public static func writeGGUF(
        _ adapter: LoRAAdapter,
        name: String?,
        to path: String
    ) throws(CheckpointError) {
        try GGUFAdapter.write(
            adapter.peft(baseModelName: nil),
            model: adapter.model,
            name: name,
            to: path
        )
    }

    /// Writes a merged model as a folder that `transformers` loads.
    ///
    /// - Parameters:
    ///   - encoding: the types of the tensors; none of them quantised.
    ///   - files: all but the weights; the element type in `config.json` is set where the encoding
    ///     is uniform.
    /// - Throws: `CheckpointError` and `ModelError`.
    public static func writeFolder(
        _ adapter: LoRAAdapter,
        mergedInto base: any TensorSource,
        encoding: MergedTensorSource.Encoding,
        files: ModelFolderFiles,
        to path: String
    ) throws {
        var files = files
        if case .uniform(let elementType) = encoding { try files.setElementType(elementType) }
        let merged = MergedTensorSource(base: base, adapter: adapter, encoding: encoding)
        try SafetensorsFolder.write(merged, files: files, to: path)
    }

    /// Writes a merged model as a copy of its base's GGUF file.
    ///
    /// A base's 4-bit weights lie on the very steps that they are rounded to again, so of a change
    /// that is small beside a step most is lost; a wider type keeps it.
    ///
    /// - Parameters:
    ///   - basePath: the file that `base` was opened from.
    ///   - elementType: of the tensors that the adapter changes; `nil` for the one that each had.
    /// - Throws: `CheckpointError` and `ModelError`.
    public static func writeGGUF(
        _ adapter: LoRAAdapter,
        mergedInto base: GGUFFile,
        basePath: String,
        elementType: ElementType? = nil,
        to path: String
    ) throws {
        let merged = MergedTensorSource(
            base: base,
            adapter: adapter,
            encoding: elementType.map { .changed($0) } ?? .original
        )
        try GGUFModelCopy.write(
            basePath,
            replacing: merged.changedNames,
            from: merged,
            to: path
        )
    }
}
