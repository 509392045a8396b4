public import Checkpoints
internal import Kernels
internal import Tensors

extension READAdapter {
    /// Makes an adapter from its files' contents.
    ///
    /// - Throws: `AdapterError`, when the settings or a tensor don't fit each other or the model.
    public convenience init(
        files: READFiles,
        model: ModelConfiguration
    ) throws(AdapterError) {
        guard let cell = RecurrentCell(rawValue: files.cell) else {
            throw .invalidSetting(name: "cell", value: files.cell)
        }
        guard let aggregation = READConfiguration.Aggregation(rawValue: files.aggregation) else {
            throw .invalidSetting(name: "aggregation", value: files.aggregation)
        }
        guard (1...Self.stateSizeMax).contains(files.stateSize) else {
            throw .invalidSetting(name: "hidden_size", value: "\(files.stateSize)")
        }
        guard files.layerCount == model.layerCount else {
            throw .invalidSetting(name: "num_hidden_layers", value: "\(files.layerCount)")
        }
        let layers = files.adaptedLayers ?? [0]
        guard !layers.isEmpty, layers.allSatisfy({ (0..<model.layerCount).contains($0) }) else {
            throw .invalidSetting(name: "adapted_layers", value: "\(layers)")
        }
        for (name, scale) in [("in_scale", files.inputScale), ("out_scale", files.outputScale)]
        where !Float(scale).isFinite {
            throw .invalidSetting(name: name, value: "\(scale)")
        }
        let configuration = READConfiguration(
            stateSize: files.stateSize,
            cell: cell,
            aggregation: aggregation,
            inputScale: files.inputScale,
            outputScale: files.outputScale,
            adaptedLayers: files.adaptedLayers,
            startsFromEmbedding: files.startsFromEmbedding
        )
        try Self.check(files.tensors, configuration: configuration, model: model)
        self.init(configuration: configuration, model: model, seed: 0)
        load(files.tensors)
    }

    /// The contents of the adapter's files.
    public func files(baseModelName: String?) -> READFiles {
        READFiles(
            cell: configuration.cell.rawValue,
            aggregation: configuration.aggregation.rawValue,
            stateSize: configuration.stateSize,
            inputScale: configuration.inputScale,
            outputScale: configuration.outputScale,
            layerCount: layerCount,
            adaptedLayers: configuration.adaptedLayers,
            startsFromEmbedding: configuration.startsFromEmbedding,
            tensors: parameters,
            baseModelName: baseModelName
        )
    }

    /// A size from a file decides how much is allocated.
    private static var stateSizeMax: Int { 1 << 16 }

    /// Compares names and shapes before anything is allocated from them.
    private static func check(
        _ tensors: NamedTensors,
        configuration: READConfiguration,
        model: ModelConfiguration
    ) throws(AdapterError) {
        let layout = READLayout(configuration: configuration, hiddenSize: model.hiddenSize)
        var expected: [String: Shape] = [:]
        for place in layout.places { expected[place.part.rawValue] = place.shape }
        for element in tensors.elements {
            guard let shape = expected.removeValue(forKey: element.name) else {
                throw .unexpectedTensor(name: element.name)
            }
            guard element.tensor.shape == shape else {
                throw .shapeMismatch(
                    name: element.name, expected: shape, actual: element.tensor.shape)
            }
            guard element.tensor.values.allSatisfy(\.isFinite) else {
                throw .nonFiniteTensor(name: element.name)
            }
        }
        if let name = expected.keys.min() { throw .missingTensor(name: name) }
    }
}
