internal import Adapters
internal import Checkpoints
internal import Federation
internal import Kernels
internal import Models
internal import Tensors

/// The adapter that a federation trains on its base model: LoRA's tensors and, where the manifest
/// says so, READ's.
///
/// Extents and shapes only; nothing is allocated from what a peer wrote before it is checked.
struct FederationAdapter: Sendable {
    let lora: LoRAConfiguration
    let read: READConfiguration?
    let model: ModelConfiguration
    /// The names and shapes of all tensors.
    let layout: AdapterLayout

    /// Describes an adapter on a model.
    ///
    /// - Throws: ``NodeError`` with code `refused` where the model's record lacks a tensor that the
    ///   adapter is about, or has it in another shape than its extents say.
    init(
        lora: LoRAConfiguration, read: READConfiguration?, record: ModelRecord
    ) throws(NodeError) {
        self.lora = lora
        self.read = read
        model = record.configuration
        try Self.check(record, targets: lora.targets)
        var shapes = AdapterShapes.lora(lora, model: model)
        if let read {
            shapes.merge(AdapterShapes.read(read, model: model)) { first, _ in first }
        }
        layout = AdapterLayout(shapes: shapes)
    }

    /// The adapter of a manifest.
    ///
    /// - Throws: ``NodeError`` with code `refused` for a projection that this program doesn't know, a
    ///   record that doesn't fit its own extents, or an adapter above the manifest's own bound.
    init(manifest: Manifest, record: ModelRecord) throws(NodeError) {
        try self.init(
            lora: try manifest.loraConfiguration(), read: manifest.readConfiguration,
            record: record)
        let byteCount = layout.objectByteCount(
            under: manifest.aggregation, read: manifest.read, exchange: manifest.exchange)
        guard byteCount <= manifest.updateByteCountMax else {
            throw NodeError(
                .refused,
                """
                The manifest's adapter makes updates of \(byteCount) bytes on this model, and the \
                manifest allows \(manifest.updateByteCountMax).
                """
            )
        }
    }

    /// The values that every node begins with, drawn from a seed, so that all have the same without a
    /// byte sent.
    func initialTensors(seed: UInt64) -> NamedTensors {
        var elements = LoRAAdapter(configuration: lora, model: model, seed: seed)
            .parameters.elements
        if let read {
            elements +=
                READAdapter(configuration: read, model: model, seed: seed)
                .parameters.elements
        }
        return NamedTensors(elements)
    }

    /// The adapters that values of this layout are.
    func adapters(with state: NamedTensors) -> (lora: LoRAAdapter, read: READAdapter?) {
        func part(_ names: NamedTensors) -> NamedTensors {
            NamedTensors(
                names.elements.map {
                    .init(name: $0.name, tensor: state[$0.name] ?? $0.tensor)
                })
        }
        let adapter = LoRAAdapter(configuration: lora, model: model, seed: 0)
        adapter.parameters = part(adapter.parameters)
        guard let configuration = read else { return (adapter, nil) }
        let second = READAdapter(configuration: configuration, model: model, seed: 0)
        second.parameters = part(second.parameters)
        return (adapter, second)
    }

    /// Compares the extents with the tensors, whose bytes are here and have their digests: an extent
    /// that no tensor has would decide how much is allocated.
    private static func check(
        _ record: ModelRecord, targets: [Projection]
    ) throws(NodeError) {
        let model = record.configuration
        let shapes = Dictionary(
            record.shards.map { ($0.tensor.name, $0.tensor.shape) },
            uniquingKeysWith: { first, _ in first })
        func require(_ name: String, _ shape: Shape) throws(NodeError) {
            guard shapes[name] == shape else {
                throw NodeError(
                    .refused,
                    "The base model's tensor \(name) is missing or not of shape \(shape), which "
                        + "the model's extents ask for."
                )
            }
        }
        try require(
            "model.embed_tokens.weight", Shape([model.vocabularySize, model.hiddenSize]))
        // Any layer that is missing ends it before the next name is made.
        for layer in 0..<model.layerCount {
            for target in targets {
                try require(
                    target.modulePath(layer: layer) + ".weight", target.weightShape(in: model))
            }
        }
    }
}

extension Manifest {
    /// The settings of the LoRA adapter in the trainer's terms.
    ///
    /// - Throws: ``NodeError`` with code `refused` for a projection that this program doesn't know.
    func loraConfiguration() throws(NodeError) -> LoRAConfiguration {
        var targets: [Projection] = []
        for name in adapter.targets {
            guard let projection = Projection(rawValue: name) else {
                throw NodeError(
                    .refused, "The manifest adapts '\(name)', which this version doesn't know."
                )
            }
            targets.append(projection)
        }
        return LoRAConfiguration(
            rank: adapter.rank, alpha: adapter.alpha, targets: targets,
            usesRSLoRA: adapter.usesRankStabilization
        )
    }

    /// The settings of the READ adapter in the trainer's terms.
    var readConfiguration: READConfiguration? { read.map(READConfiguration.init) }
}

extension READConfiguration {
    /// What a manifest says of READ, in the trainer's terms.
    init(_ settings: Manifest.READSettings) {
        self.init(
            stateSize: settings.stateSize,
            cell: RecurrentCell(settings.cell),
            aggregation: settings.aggregation == .mean ? .mean : .last
        )
    }
}

extension RecurrentCell {
    fileprivate init(_ cell: Manifest.READSettings.Cell) {
        self =
            switch cell {
            case .rnn: .rnn
            case .gru: .gru
            case .lstm: .lstm
            }
    }
}

extension AdapterLayout {
    /// The bytes of what a member sends at most: an update, or in gossip its state.
    func objectByteCount(
        under settings: Manifest.AggregationSettings, read: Manifest.READSettings?,
        exchange: Manifest.ExchangeSettings
    ) -> Int {
        exchange.kind.isGossip
            ? StateObjectCodec.byteCount(of: self, form: settings.wireForm)
            : updateByteCount(under: settings, read: read)
    }
}
