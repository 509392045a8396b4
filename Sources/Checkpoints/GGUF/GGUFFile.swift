internal import Tensors

/// A Llama model in a GGUF file, memory-mapped.
///
/// Tensors come out under Hugging Face names and in Hugging Face row order: the rows of the query
/// and key projections, which GGUF interleaves, are put back in order in a copy of that one tensor
/// for the length of the call; all others are lent from the map.
public final class GGUFFile: ModelCheckpoint {
    /// The architecture and its extents.
    public let configuration: ModelConfiguration
    /// The tensors in ascending order of the names' UTF-8 bytes.
    public let tensors: [TensorDescription]
    /// The vocabulary from the `tokenizer.*` keys.
    public let vocabulary: VocabularyFile
    /// `general.name`, or the file's name.
    public let name: String

    private let file: MappedFile
    private let locations: [String: Location]

    private struct Location {
        let range: Range<Int>
        let rowByteCount: Int
        /// The rows of one head if they have to be put in order.
        let headRowCount: Int?
    }

    /// Opens a file and checks everything that it says before its data.
    ///
    /// - Throws: the first thing that is wrong, with the key or tensor that it is about.
    public init(path: String) throws(CheckpointError) {
        let file = try MappedFile(path: path)
        let header = try GGUFHeader(file)
        let layout = try GGUFLayout(header, path: path, fileByteCount: file.byteCount)
        let embeddings = try layout.requiredTensor("token_embd.weight")
        let configuration = try ModelConfiguration(
            header.metadata,
            embeddingRowCount: embeddings.shape.extents.first ?? 0,
            hasHead: layout.tensor("output.weight") != nil
        )
        self.file = file
        self.configuration = configuration
        vocabulary = .gguf(
            try GGUFVocabulary(header.metadata, tokenCount: configuration.vocabularySize)
        )
        name = try header.metadata.string("general.name") ?? FileSystem.lastComponent(of: path)
        (tensors, locations) = try Self.rename(layout, configuration, path: path)
    }

    /// Lends the bytes of a tensor in Hugging Face row order for the length of a call.
    ///
    /// - Throws: what `body` throws; ``CheckpointError`` if the name is unknown or the file
    ///   changed.
    /// - Complexity: O(1), but O(bytes) for query and key projections.
    public func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let location = locations[name] else {
            throw CheckpointError.invalidTensor(
                path: file.path,
                tensor: name,
                problem: .unknownName
            )
        }
        return try unsafe file.withBytes(in: location.range) { bytes in
            guard let headRowCount = location.headRowCount else { return try unsafe body(bytes) }
            let ordered = unsafe RotaryRows.huggingFaceOrder(
                bytes,
                rowByteCount: location.rowByteCount,
                headRowCount: headRowCount
            )
            return try unsafe ordered.withUnsafeBytes(body)
        }
    }

    private static func rename(
        _ layout: GGUFLayout,
        _ configuration: ModelConfiguration,
        path: String
    ) throws(CheckpointError) -> ([TensorDescription], [String: Location]) {
        var descriptions: [TensorDescription] = []
        var locations: [String: Location] = [:]
        for tensor in layout.tensors {
            guard
                let (name, order) = GGUFTensorNames.huggingFaceName(
                    of: tensor.name,
                    layerCount: configuration.layerCount
                )
            else {
                throw .invalidTensor(path: path, tensor: tensor.name, problem: .unexpectedName)
            }
            let rowCount = tensor.shape.extents.first ?? 0
            let expectedRowCount: Int? =
                switch order {
                case .same: nil
                case .queryHeads: configuration.attentionHeadCount * configuration.headDimension
                case .keyHeads: configuration.keyValueHeadCount * configuration.headDimension
                }
            if let expectedRowCount,
                tensor.shape.extents != [expectedRowCount, configuration.hiddenSize]
            {
                throw .invalidTensor(
                    path: path,
                    tensor: tensor.name,
                    problem: .shapeMismatch(
                        actual: tensor.shape.extents,
                        expected: "[\(expectedRowCount), \(configuration.hiddenSize)]"
                    )
                )
            }
            descriptions.append(
                TensorDescription(
                    name: name,
                    shape: tensor.shape,
                    elementType: tensor.elementType,
                    byteCount: tensor.range.count
                )
            )
            locations[name] = Location(
                range: tensor.range,
                rowByteCount: tensor.range.count / max(rowCount, 1),
                headRowCount: expectedRowCount == nil ? nil : configuration.headDimension
            )
        }
        descriptions.sort { NamedTensors.precedes($0.name, $1.name) }
        return (descriptions, locations)
    }
}
