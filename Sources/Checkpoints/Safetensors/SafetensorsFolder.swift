internal import JSONDocuments
public import Tensors

/// A Hugging Face model folder: `config.json`, safetensors weights in one file or in several with
/// an index, and `tokenizer.json`.
public final class SafetensorsFolder: ModelCheckpoint {
    /// The architecture and its extents.
    public let configuration: ModelConfiguration
    /// The tensors in ascending order of the names' UTF-8 bytes.
    public let tensors: [TensorDescription]
    /// The files of the tokenizer.
    public let vocabulary: VocabularyFile
    /// `_name_or_path` of the configuration, or the folder's name.
    public let name: String

    private let path: String
    private let owners: [String: SafetensorsFile]

    /// No model is cut into more files than this.
    private static let fileCountMax = 4096
    static let indexName = "model.safetensors.index.json"
    static let singleName = "model.safetensors"

    /// Opens a folder and checks its settings and every header.
    ///
    /// - Throws: the first thing that is wrong, with the file and key or tensor that it is about.
    public init(path: String) throws(CheckpointError) {
        let configPath = FileSystem.join(path, "config.json")
        guard try FileSystem.isPlainFile(configPath) else {
            throw .missingFile(path: path, file: "config.json")
        }
        let configBytes = try FileSystem.read(configPath, byteCountMax: SettingsFile.byteCountMax)
        configuration = try ModelConfiguration(configJSON: configBytes, path: configPath)
        let settings = try SettingsFile(path: configPath, bytes: configBytes)
        let givenName = settings["_name_or_path"]?.string ?? ""
        name = givenName.isEmpty ? FileSystem.lastComponent(of: path) : givenName
        vocabulary = try HuggingFaceVocabulary.read(folder: path)
        self.path = path
        (tensors, owners) = try Self.openWeights(path)
    }

    /// Lends the bytes of a tensor from the map for the length of a call.
    ///
    /// - Throws: what `body` throws; ``CheckpointError`` if the name is unknown or its file
    ///   changed.
    public func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try unsafe owner(of: name).withBytes(of: name, body)
    }

    /// The rows of a tensor in its file, which stays open as long as they are used.
    ///
    /// - Throws: ``CheckpointError`` if the name is unknown or the file changed.
    public func mappedRows(of name: String) throws -> MappedRows? {
        try owner(of: name).mappedRows(of: name)
    }

    private func owner(of name: String) throws(CheckpointError) -> SafetensorsFile {
        guard let owner = owners[name] else {
            throw .invalidTensor(path: path, tensor: name, problem: .unknownName)
        }
        return owner
    }

    private static func openWeights(
        _ path: String
    ) throws(CheckpointError) -> ([TensorDescription], [String: SafetensorsFile]) {
        let indexPath = FileSystem.join(path, indexName)
        let singlePath = FileSystem.join(path, singleName)
        if try FileSystem.isPlainFile(singlePath) {
            let file = try SafetensorsFile(path: singlePath)
            let owners = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, file) })
            return (file.tensors, owners)
        }
        guard try FileSystem.isPlainFile(indexPath) else {
            for entry in try FileSystem.entries(of: path)
            where entry.hasSuffix(".bin") || entry.hasSuffix(".pt") || entry.hasSuffix(".pth") {
                throw .pickleRefused(path: FileSystem.join(path, entry))
            }
            throw .missingFile(path: path, file: singleName)
        }
        return try openIndexed(path, index: try weightMap(indexPath))
    }

    /// The file of each tensor as the index has it.
    private static func weightMap(
        _ path: String
    ) throws(CheckpointError) -> [(tensor: String, file: String)] {
        let bytes = try FileSystem.read(path, byteCountMax: SettingsFile.byteCountMax)
        let settings = try SettingsFile(path: path, bytes: bytes)
        let value = try settings.required("weight_map", settings["weight_map"])
        guard let map = value.object else {
            throw settings.wrongType("weight_map", "an object", value)
        }
        var entries: [(tensor: String, file: String)] = []
        for member in map.members {
            guard let file = member.value.string else {
                throw settings.wrongType("weight_map.\(member.key)", "a string", member.value)
            }
            guard file.hasSuffix(".safetensors"), FileName.isPlain(file) else {
                throw .unsupportedSetting(
                    path: path,
                    key: "weight_map.\(member.key)",
                    value: file,
                    supported: "the name of a safetensors file in the same folder"
                )
            }
            entries.append((tensor: member.key, file: file))
        }
        return entries
    }

    private static func openIndexed(
        _ path: String,
        index: [(tensor: String, file: String)]
    ) throws(CheckpointError) -> ([TensorDescription], [String: SafetensorsFile]) {
        let fileNames = Set(index.map(\.file))
        guard fileNames.count <= fileCountMax else {
            throw .limitExceeded(
                path: path,
                item: "the number of weight files",
                actual: UInt64(fileNames.count),
                limit: UInt64(fileCountMax)
            )
        }
        let indexed = Dictionary(index.map { ($0.tensor, $0.file) }) { first, _ in first }
        var descriptions: [TensorDescription] = []
        var owners: [String: SafetensorsFile] = [:]
        for fileName in fileNames.sorted(by: NamedTensors.precedes) {
            let filePath = FileSystem.join(path, fileName)
            guard try FileSystem.isPlainFile(filePath) else {
                throw .missingFile(path: path, file: fileName)
            }
            let file = try SafetensorsFile(path: filePath)
            for tensor in file.tensors {
                guard indexed[tensor.name] == fileName else {
                    throw .invalidTensor(
                        path: filePath,
                        tensor: tensor.name,
                        problem: owners[tensor.name] == nil
                            ? .invalidEntry("the index doesn't place it in this file") : .duplicate
                    )
                }
                owners[tensor.name] = file
                descriptions.append(tensor)
            }
        }
        for entry in index where owners[entry.tensor] == nil {
            throw .invalidTensor(
                path: FileSystem.join(path, entry.file),
                tensor: entry.tensor,
                problem: .missing
            )
        }
        descriptions.sort { NamedTensors.precedes($0.name, $1.name) }
        return (descriptions, owners)
    }
}
