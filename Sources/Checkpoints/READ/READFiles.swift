public import Tensors

/// A READ adapter as its folder holds it.
public struct READFiles: Hashable, Sendable {
    /// `cell`: one of ``READFolder/cells``.
    public var cell: String
    /// `aggregation`: one of ``READFolder/aggregations``.
    public var aggregation: String
    /// `hidden_size`: the values of the network's state.
    public var stateSize: Int
    /// `in_scale`.
    public var inputScale: Double
    /// `out_scale`.
    public var outputScale: Double
    /// `num_hidden_layers` of the model that it was made for.
    public var layerCount: Int
    /// `adapted_layers`, from 0 and ascending; `nil` for all.
    public var adaptedLayers: [Int]?
    /// `embedding_init_hidden`.
    public var startsFromEmbedding: Bool
    /// The tensors under the names of the file, as in `read.rnn.weight_ih_l0`.
    public var tensors: NamedTensors
    /// `base_model_name_or_path`.
    public var baseModelName: String?

    /// Makes an adapter from its parts.
    public init(
        cell: String,
        aggregation: String,
        stateSize: Int,
        inputScale: Double,
        outputScale: Double,
        layerCount: Int,
        adaptedLayers: [Int]?,
        startsFromEmbedding: Bool,
        tensors: NamedTensors,
        baseModelName: String?
    ) {
        self.cell = cell
        self.aggregation = aggregation
        self.stateSize = stateSize
        self.inputScale = inputScale
        self.outputScale = outputScale
        self.layerCount = layerCount
        self.adaptedLayers = adaptedLayers
        self.startsFromEmbedding = startsFromEmbedding
        self.tensors = tensors
        self.baseModelName = baseModelName
    }
}

/// An adapter of any method as its folder holds it.
public enum SavedAdapter: Hashable, Sendable {
    /// A PEFT folder.
    case lora(PEFTAdapter)
    /// A folder with `read_config.json`.
    case read(READFiles)

    /// Reads an adapter; which settings file the folder holds decides the method.
    ///
    /// - Throws: as ``PEFTFolder/read(path:)`` and ``READFolder/read(path:)`` do.
    public static func read(path: String) throws(CheckpointError) -> SavedAdapter {
        let isREAD = try FileSystem.isPlainFile(FileSystem.join(path, READFolder.configName))
        guard isREAD else { return .lora(try PEFTFolder.read(path: path)) }
        return .read(try READFolder.read(path: path))
    }

    /// The method's name in files.
    public var methodName: String {
        switch self {
        case .lora: "LORA"
        case .read: "READ"
        }
    }
}
