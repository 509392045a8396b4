internal import JSONDocuments
internal import Tensors

/// Reads and writes READ adapters as folders of this project's own: `read_config.json` with the
/// settings and `read_model.safetensors` with the tensors.
public enum READFolder {
    static let configName = "read_config.json"
    static let weightsName = "read_model.safetensors"
    /// The files that a written folder holds.
    public static let fileNames = [configName, weightsName]
    /// The values that `cell` may have.
    public static let cells = ["rnn", "gru", "lstm"]
    /// The values that `aggregation` may have.
    public static let aggregations = ["mean", "last"]
    /// No state is as wide as this: models' own are not.
    static let stateSizeMax = 1 << 16
    /// No model has as many layers.
    static let layerCountMax = 1 << 12
    /// No adapter has as many tensors.
    static let tensorCountMax = 16
    /// A bound on what is copied into memory: 4 GiB as Float32.
    static let elementCountMax = 1 << 30
    private static let version = 1

    /// Reads an adapter and checks its settings, names and values; shapes are the adapter's own to
    /// check.
    ///
    /// - Throws: the key or tensor that is wrong.
    public static func read(path: String) throws(CheckpointError) -> READFiles {
        let configPath = FileSystem.join(path, configName)
        let weightsPath = FileSystem.join(path, weightsName)
        for (file, place) in [(configName, configPath), (weightsName, weightsPath)]
        where try !FileSystem.isPlainFile(place) {
            throw .missingFile(path: path, file: file)
        }
        let settings = try SettingsFile(
            path: configPath,
            bytes: try FileSystem.read(configPath, byteCountMax: SettingsFile.byteCountMax)
        )
        _ = try settings.required("method", settings["method"])
        try settings.require("method", is: .string("READ"))
        try settings.require("version", is: .integer(version))
        let layerCount = try count(settings, "num_hidden_layers", max: layerCountMax)
        return READFiles(
            cell: try choice(settings, "cell", of: cells),
            aggregation: try choice(settings, "aggregation", of: aggregations),
            stateSize: try count(settings, "hidden_size", max: stateSizeMax),
            inputScale: try scale(settings, "in_scale"),
            outputScale: try scale(settings, "out_scale"),
            layerCount: layerCount,
            adaptedLayers: try layers(settings, below: layerCount),
            startsFromEmbedding: try settings.bool("embedding_init_hidden") ?? false,
            tensors: try tensors(try SafetensorsFile(path: weightsPath), weightsPath),
            baseModelName: try settings.string("base_model_name_or_path")
        )
    }

    /// Writes an adapter.
    ///
    /// The folder appears complete and on disk, or not at all. A folder that is there already is
    /// replaced if it is empty or holds nothing but files that the new one holds too.
    ///
    /// - Parameter extraFiles: more files by name.
    /// - Throws: `notReplaceable`, `invalidFileName`, `system`.
    public static func write(
        _ files: READFiles,
        to path: String,
        extraFiles: [String: [UInt8]] = [:]
    ) throws(CheckpointError) {
        var contents = [
            configName: config(files), weightsName: SafetensorsWriter.encode(files.tensors),
        ]
        for (name, bytes) in extraFiles {
            guard FileName.isPlain(name), contents.updateValue(bytes, forKey: name) == nil else {
                throw .invalidFileName(path: path, file: name)
            }
        }
        try AtomicFolder.write(contents, to: path)
    }

    private static func config(_ files: READFiles) -> [UInt8] {
        let layers = files.adaptedLayers.map { JSONValue.array($0.map { .integer($0) }) }
        return JSONValue.object(
            JSONObject([
                .init(key: "adapted_layers", value: layers ?? .null),
                .init(key: "aggregation", value: .string(files.aggregation)),
                .init(
                    key: "base_model_name_or_path",
                    value: files.baseModelName.map { .string($0) } ?? .null
                ),
                .init(key: "cell", value: .string(files.cell)),
                .init(key: "embedding_init_hidden", value: .bool(files.startsFromEmbedding)),
                .init(key: "hidden_size", value: .integer(files.stateSize)),
                .init(key: "in_scale", value: .number(files.inputScale)),
                .init(key: "method", value: .string("READ")),
                .init(key: "num_hidden_layers", value: .integer(files.layerCount)),
                .init(key: "out_scale", value: .number(files.outputScale)),
                .init(key: "version", value: .integer(version)),
            ])
        ).encoded(isIndented: true)
    }

    private static func count(
        _ settings: SettingsFile,
        _ key: String,
        max: Int
    ) throws(CheckpointError) -> Int {
        let value = try settings.required(key, try settings.integer(key))
        guard (1...max).contains(value) else {
            throw settings.outOfRange(key, "\(value)", "from 1 to \(max)")
        }
        return value
    }

    private static func scale(
        _ settings: SettingsFile,
        _ key: String
    ) throws(CheckpointError) -> Double {
        let value = try settings.number(key) ?? 1
        guard value.isFinite, Float(value).isFinite else {
            throw settings.outOfRange(key, "\(value)", "a number that binary32 holds")
        }
        return value
    }

    private static func choice(
        _ settings: SettingsFile,
        _ key: String,
        of choices: [String]
    ) throws(CheckpointError) -> String {
        let value = try settings.required(key, try settings.string(key))
        guard choices.contains(value) else {
            throw settings.unsupported(key, .string(value), choices.joined(separator: ", "))
        }
        return value
    }

    private static func layers(
        _ settings: SettingsFile,
        below layerCount: Int
    ) throws(CheckpointError) -> [Int]? {
        let key = "adapted_layers"
        guard let value = settings[key] else { return nil }
        guard let array = value.array else {
            throw settings.wrongType(key, "a list of integers", value)
        }
        var layers: [Int] = []
        for element in array {
            guard let layer = element.integer else {
                throw settings.wrongType(key, "a list of integers only", element)
            }
            guard (0..<layerCount).contains(layer), layer > layers.last ?? -1 else {
                throw settings.outOfRange(key, "\(layer)", "ascending, from 0 to \(layerCount - 1)")
            }
            layers.append(layer)
        }
        guard !layers.isEmpty else { throw settings.outOfRange(key, "[]", "at least one layer") }
        return layers
    }

    private static func tensors(
        _ file: SafetensorsFile,
        _ path: String
    ) throws(CheckpointError) -> NamedTensors {
        let elementCount = file.tensors.reduce(0) { $0 + $1.shape.elementCount }
        for (item, actual, limit) in [
            ("the number of tensors", file.tensors.count, tensorCountMax),
            ("the number of elements", elementCount, elementCountMax),
        ] where actual > limit {
            throw .limitExceeded(
                path: path, item: item, actual: UInt64(actual), limit: UInt64(limit))
        }
        var elements: [NamedTensors.Element] = []
        for tensor in file.tensors {
            guard tensor.name.hasPrefix("read.") else {
                throw .invalidTensor(path: path, tensor: tensor.name, problem: .unexpectedName)
            }
            let values = FloatDecoding.floats(
                try file.bytes(of: tensor.name), elementType: tensor.elementType)
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw .invalidTensor(
                    path: path, tensor: tensor.name, problem: .notFinite(index: index))
            }
            elements.append(
                .init(name: tensor.name, tensor: FloatTensor(shape: tensor.shape, values: values)))
        }
        return NamedTensors(elements)
    }
}
