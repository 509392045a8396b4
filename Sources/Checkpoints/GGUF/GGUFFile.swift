public import Tensors

/// A model of the Llama family in a GGUF file, memory-mapped.
///
/// Tensors come out under Hugging Face names and in Hugging Face row order: the rows of a Llama's
/// query and key projections, which GGUF interleaves, are put back in order in a copy of that one
/// tensor for the length of the call; all others are lent from the map. The divisors of rotary
/// frequencies are part of the configuration and no tensor here.
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
        let architecture = try ModelConfiguration.architecture(header.metadata)
        let configuration = try ModelConfiguration(
            header.metadata,
            architecture: architecture,
            parts: try GGUFParts(layout, file: file)
        )
        self.file = file
        self.configuration = configuration
        vocabulary = .gguf(
            try GGUFVocabulary(header.metadata, tokenCount: configuration.vocabularySize)
        )
        name = try header.metadata.string("general.name") ?? FileSystem.lastComponent(of: path)
        (tensors, locations) = try Self.rename(
            layout,
            architecture,
            configuration,
            path: path
        )
        // What was read of names and vocabulary is in other memory now.
        unsafe file.giveBack(file.span)
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
        let location = try location(of: name)
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

    /// The rows of a tensor in the file, which stays open as long as they are used.
    ///
    /// - Throws: ``CheckpointError`` if the name is unknown or the file changed.
    public func mappedRows(of name: String) throws -> MappedRows? {
        let location = try location(of: name)
        return try file.rows(
            in: location.range,
            order: location.headRowCount.map { .alternatingHalves(groupRowCount: $0) } ?? .same
        )
    }

    private func location(of name: String) throws(CheckpointError) -> Location {
        guard let location = locations[name] else {
            throw .invalidTensor(path: file.path, tensor: name, problem: .unknownName)
        }
        return location
    }

    private static func rename(
        _ layout: GGUFLayout,
        _ architecture: GGUFArchitecture,
        _ configuration: ModelConfiguration,
        path: String
    ) throws(CheckpointError) -> ([TensorDescription], [String: Location]) {
        var descriptions: [TensorDescription] = []
        var locations: [String: Location] = [:]
        for tensor in layout.tensors {
            if tensor.name == GGUFParts.ropeDivisorsName, architecture == .llama { continue }
            guard
                let (name, order) = GGUFTensorNames.huggingFaceName(
                    of: tensor.name,
                    architecture: architecture,
                    layerCount: configuration.layerCount
                )
            else {
                throw .invalidTensor(path: path, tensor: tensor.name, problem: .unexpectedName)
            }
            descriptions.append(
                TensorDescription(
                    name: name,
                    shape: tensor.shape,
                    elementType: tensor.elementType,
                    byteCount: tensor.range.count
                )
            )
            do {
                locations[name] = try locate(tensor, order, configuration)
            } catch {
                throw .invalidTensor(path: path, tensor: tensor.name, problem: error)
            }
        }
        descriptions.sort { NamedTensors.precedes($0.name, $1.name) }
        return (descriptions, locations)
    }

    /// Checks that rows which have to be put in order are those of whole heads.
    private static func locate(
        _ tensor: GGUFLayout.Tensor,
        _ order: GGUFTensorNames.RowOrder,
        _ configuration: ModelConfiguration
    ) throws(CheckpointError.TensorProblem) -> Location {
        let extents = tensor.shape.extents
        let rowCount = max(extents.first ?? 0, 1)
        let headCount: Int
        switch order {
        case .same:
            return Location(
                range: tensor.range,
                rowByteCount: tensor.range.count / rowCount,
                headRowCount: nil
            )
        case .queryHeads: headCount = configuration.attentionHeadCount
        case .keyHeads: headCount = configuration.keyValueHeadCount
        }
        let isBias = tensor.name.hasSuffix(".bias")
        let expected =
            [headCount * configuration.headDimension] + (isBias ? [] : [configuration.hiddenSize])
        guard extents == expected else {
            throw .shapeMismatch(actual: extents, expected: "\(expected)")
        }
        guard !isBias || tensor.elementType.blockElementCount == 1 else {
            // A block would span several rows.
            throw .unsupportedType(tensor.elementType.rawValue)
        }
        return Location(
            range: tensor.range,
            rowByteCount: tensor.range.count / rowCount,
            headRowCount: configuration.headDimension
        )
    }
}
