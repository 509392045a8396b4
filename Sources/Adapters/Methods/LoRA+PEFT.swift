public import Checkpoints
internal import Models
internal import Tensors

extension LoRAAdapter {
    /// Takes over an adapter that PEFT or another node wrote.
    ///
    /// `target_modules` may hold names of projections or full module paths, but the same
    /// projections must be adapted in every layer of `layers_to_transform`.
    ///
    /// - Throws: `AdapterError`: a target, name, shape or value that doesn't fit the model.
    public convenience init(
        peft: PEFTAdapter,
        model: ModelConfiguration
    ) throws(AdapterError) {
        guard peft.rank > 0, peft.rank <= Self.rankMax else { throw .invalidRank(peft.rank) }
        let targets = try Self.targets(of: peft)
        if let layer = peft.layers?.first(where: { !(0..<model.layerCount).contains($0) }) {
            throw .invalidSetting(name: "layers_to_transform", value: "\(layer)")
        }
        let configuration = LoRAConfiguration(
            rank: peft.rank,
            alpha: peft.alpha,
            targets: targets,
            usesRSLoRA: peft.usesRSLoRA,
            layers: peft.layers
        )
        try Self.check(peft.tensors, configuration: configuration, model: model)
        self.init(configuration: configuration, model: model, seed: 0)
        load(peft.tensors)
    }

    /// The adapter as PEFT's files hold it.
    public func peft(baseModelName: String?) -> PEFTAdapter {
        PEFTAdapter(
            rank: configuration.rank,
            alpha: configuration.alpha,
            usesRSLoRA: configuration.usesRSLoRA,
            targetModules: configuration.targets.map(\.rawValue),
            layers: configuration.layers,
            tensors: parameters,
            baseModelName: baseModelName
        )
    }

    /// No published adapter comes near; a rank from a file decides how much is allocated.
    private static var rankMax: Int { 4096 }

    private static func targets(of peft: PEFTAdapter) throws(AdapterError) -> [Projection] {
        var targets: Set<Projection> = []
        for module in peft.targetModules {
            let name = module.split(separator: ".").last.map(String.init) ?? module
            guard let projection = Projection(rawValue: name) else {
                throw .unknownTarget(name: module)
            }
            targets.insert(projection)
        }
        guard !targets.isEmpty else { throw .noTargets }
        return Projection.allCases.filter(targets.contains)
    }

    /// Compares names and shapes before anything is allocated from them.
    private static func check(
        _ tensors: NamedTensors,
        configuration: LoRAConfiguration,
        model: ModelConfiguration
    ) throws(AdapterError) {
        var expected: [String: Shape] = [:]
        for pair in LoRALayout(configuration: configuration, model: model).pairs {
            expected[name(pair, "A")] = Shape([configuration.rank, pair.inputSize])
            expected[name(pair, "B")] = Shape([pair.outputSize, configuration.rank])
        }
        for element in tensors.elements {
            guard let shape = expected.removeValue(forKey: element.name) else {
                throw .unexpectedTensor(name: element.name)
            }
            guard element.tensor.shape == shape else {
                throw .shapeMismatch(
                    name: element.name,
                    expected: shape,
                    actual: element.tensor.shape
                )
            }
            guard element.tensor.values.allSatisfy(\.isFinite) else {
                throw .nonFiniteTensor(name: element.name)
            }
        }
        if let name = expected.keys.min() { throw .missingTensor(name: name) }
    }
}
