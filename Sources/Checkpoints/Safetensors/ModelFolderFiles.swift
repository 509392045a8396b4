internal import JSONDocuments
public import Tensors

/// The files of a Hugging Face model folder beside its weights.
public struct ModelFolderFiles: Hashable, Sendable {
    /// `config.json`.
    public private(set) var configJSON: [UInt8]
    /// The tokenizer's files and `generation_config.json`, by name; those that there are.
    public private(set) var others: [String: [UInt8]]

    static let configName = "config.json"
    /// What belongs to a model and has nothing to do with its weights.
    private static let copiedNames = [
        "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "vocab.json",
        "merges.txt", "tokenizer.model",
    ]
    /// The largest of them, a vocabulary, takes some thirty megabytes.
    private static let byteCountMax = 64 << 20

    /// Reads the files of a folder.
    ///
    /// - Throws: `missingFile` without `config.json`; `limitExceeded`; `system`.
    public init(folder: String) throws(CheckpointError) {
        let configPath = FileSystem.join(folder, Self.configName)
        guard try FileSystem.isPlainFile(configPath) else {
            throw .missingFile(path: folder, file: Self.configName)
        }
        configJSON = try FileSystem.read(configPath, byteCountMax: SettingsFile.byteCountMax)
        others = [:]
        for name in Self.copiedNames {
            let path = FileSystem.join(folder, name)
            guard try FileSystem.isPlainFile(path) else { continue }
            others[name] = try FileSystem.read(path, byteCountMax: Self.byteCountMax)
        }
    }

    /// Makes `config.json` for a model that has none; there are no other files then.
    ///
    /// - Throws: `unsupportedSetting` for rotary divisors, which `config.json` has no key for.
    public init(
        configuration: ModelConfiguration,
        bosID: Int?,
        eosID: Int?,
        path: String
    ) throws(CheckpointError) {
        var members = try configuration.configMembers(path: path)
        for (key, id) in [("bos_token_id", bosID), ("eos_token_id", eosID)] {
            members.append(.init(key: key, value: id.map { .integer($0) } ?? .null))
        }
        configJSON = JSONValue.object(JSONObject(members)).encoded(isIndented: true)
        others = [:]
    }

    /// Adds files of plain names, in the place of those that have these names.
    public mutating func add(_ files: [String: [UInt8]]) {
        precondition(files.keys.allSatisfy(FileName.isPlain), "names with a path in them")
        others.merge(files) { $1 }
    }

    /// Names the element type that the weights have from now on.
    ///
    /// - Throws: `invalidJSON` or `invalidKey` if `config.json` is no object.
    public mutating func setElementType(_ elementType: ElementType) throws(CheckpointError) {
        let name: String? =
            switch elementType {
            case .float32: "float32"
            case .float16: "float16"
            case .bfloat16: "bfloat16"
            default: nil
            }
        guard let name else { return }
        let settings = try SettingsFile(path: Self.configName, bytes: configJSON)
        let key = "torch_dtype"
        let members = settings.object.members.filter { $0.key != key && $0.key != "dtype" }
        configJSON = JSONValue.object(
            JSONObject(members + [.init(key: key, value: .string(name))])
        ).encoded(isIndented: true)
    }
}
