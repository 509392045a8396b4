public import Checkpoints
public import Kernels
public import Models

extension READAdapter: TrainableAdapter {
    /// Behind the last layer.
    public var tap: ModelTap { .hiddenStates(self) }

    /// Everything that ``READConfiguration`` holds.
    public var settings: [AdapterSetting] {
        let layers = configuration.adaptedLayers.map { $0.map(String.init).joined(separator: ",") }
        return [
            AdapterSetting(name: "method", value: Self.methodName),
            AdapterSetting(name: "state size", value: "\(configuration.stateSize)"),
            AdapterSetting(name: "cell", value: configuration.cell.rawValue),
            AdapterSetting(name: "aggregation", value: configuration.aggregation.rawValue),
            AdapterSetting(name: "input scale", value: "\(configuration.inputScale)"),
            AdapterSetting(name: "output scale", value: "\(configuration.outputScale)"),
            AdapterSetting(name: "adapted layers", value: layers ?? "all"),
            AdapterSetting(
                name: "starts from the embedding", value: "\(configuration.startsFromEmbedding)"),
        ]
    }

    /// The method has no dropout.
    public var takesDropout: Bool { false }

    /// Those of READ's own folders.
    public var fileNames: [String] { READFolder.fileNames }

    /// Whether hidden states and layers are as many.
    public func fits(_ model: ModelConfiguration) -> Bool {
        model.hiddenSize == hiddenSize && model.layerCount == layerCount
    }

    /// There is nothing to drop; a plan is a mistake of the caller.
    public func drop(_ plan: DropoutPlan?, sequenceLength: Int) {
        precondition(plan == nil, "READ has no dropout")
    }

    /// Writes a folder with `read_config.json`.
    public func write(to path: String, baseModelName: String?) throws(CheckpointError) {
        try READFolder.write(files(baseModelName: baseModelName), to: path)
    }
}
