internal import JSONDocuments
internal import Tensors

/// Reads and writes LoRA adapters as folders that the `peft` library reads and writes.
public enum PEFTFolder {
    static let configName = "adapter_config.json"
    static let weightsName = "adapter_model.safetensors"
    /// The files that a written folder holds, unless it is told to hold more.
    public static let fileNames = [configName, weightsName]
    static let prefix = "base_model.model."
    /// No adapter of the sizes that are federated has a greater rank.
    static let rankMax = 1 << 14
    /// No known model has as many layers.
    static let layerCountMax = 1 << 12
    /// A bound on what is copied into memory: 4 GiB as Float32.
    static let elementCountMax = 1 << 30

    /// Reads an adapter and checks its settings, names, shapes and values.
    ///
    /// Settings that change what the adapter computes and that ``PEFTAdapter`` doesn't hold are
    /// refused by name: other `peft_type`s, DoRA, biases, patterns of ranks or alphas.
    ///
    /// - Throws: the key or tensor that is wrong; `pickleRefused` if there are no other weights.
    public static func read(path: String) throws(CheckpointError) -> PEFTAdapter {
        let configPath = FileSystem.join(path, configName)
        let weightsPath = FileSystem.join(path, weightsName)
        guard try FileSystem.isPlainFile(configPath) else {
            throw .missingFile(path: path, file: configName)
        }
        guard try FileSystem.isPlainFile(weightsPath) else {
            let picklePath = FileSystem.join(path, "adapter_model.bin")
            if try FileSystem.isPlainFile(picklePath) {
                throw .pickleRefused(path: picklePath)
            }
            throw .missingFile(path: path, file: weightsName)
        }
        let settings = try SettingsFile(
            path: configPath,
            bytes: try FileSystem.read(configPath, byteCountMax: SettingsFile.byteCountMax)
        )
        try refuseUnsupported(settings)
        let rank = try settings.required("r", try settings.integer("r"))
        guard rank >= 1, rank <= rankMax else {
            throw .invalidKey(
                path: configPath,
                key: "r",
                problem: .outOfRange(value: "\(rank)", expected: "from 1 to \(rankMax)")
            )
        }
        return PEFTAdapter(
            rank: rank,
            alpha: try settings.required("lora_alpha", try settings.number("lora_alpha")),
            usesRSLoRA: try settings.bool("use_rslora") ?? false,
            targetModules: try targetModules(settings),
            layers: try layers(settings),
            tensors: try tensors(try SafetensorsFile(path: weightsPath), weightsPath, rank: rank),
            baseModelName: try settings.string("base_model_name_or_path")
        )
    }

    private static func refuseUnsupported(_ settings: SettingsFile) throws(CheckpointError) {
        let type = try settings.required("peft_type", settings["peft_type"])
        guard type == .string("LORA") else {
            throw settings.unsupported("peft_type", type, "\"LORA\"")
        }
        for key in [
            "use_dora", "lora_bias", "fan_in_fan_out", "use_qalora", "use_bdlora",
        ] {
            try settings.require(key, is: .bool(false))
        }
        try settings.require("bias", is: .string("none"))
        for key in [
            "rank_pattern", "alpha_pattern", "modules_to_save", "layer_replication",
            "megatron_config", "target_parameters", "trainable_token_indices",
            "alora_invocation_tokens", "arrow_config", "kasa_config",
            "monteclora_config", "velora_config",
        ] {
            try settings.requireAbsent(key)
        }
    }

    /// A list of modules, or one pattern as a list of one.
    private static func targetModules(
        _ settings: SettingsFile
    ) throws(CheckpointError) -> [String] {
        let key = "target_modules"
        let value = try settings.required(key, settings[key])
        if let pattern = value.string { return [pattern] }
        guard let array = value.array else {
            throw settings.wrongType(key, "a list of strings", value)
        }
        var modules: [String] = []
        for element in array {
            guard let module = element.string else {
                throw settings.wrongType(key, "a list of strings only", element)
            }
            modules.append(module)
        }
        return modules
    }

    /// A list of layers, or one layer as a list of one.
    ///
    /// No pattern of module names is known but that of `model.layers`.
    private static func layers(_ settings: SettingsFile) throws(CheckpointError) -> [Int]? {
        let key = "layers_to_transform"
        guard let value = settings[key] else { return nil }
        if let pattern = settings["layers_pattern"], pattern != .string("layers"),
            pattern != .array([.string("layers")])
        {
            throw settings.unsupported("layers_pattern", pattern, "\"layers\"")
        }
        guard let elements = value.array ?? (value.integer == nil ? nil : [value]) else {
            throw settings.wrongType(key, "a list of integers", value)
        }
        guard elements.count <= layerCountMax else {
            throw settings.outOfRange(key, "\(elements.count) layers", "at most \(layerCountMax)")
        }
        // `peft` takes an empty list for none.
        guard !elements.isEmpty else { return nil }
        var layers: [Int] = []
        for element in elements {
            guard let layer = element.integer else {
                throw settings.wrongType(key, "a list of integers only", element)
            }
            guard (0..<layerCountMax).contains(layer) else {
                throw settings.outOfRange(key, "\(layer)", "from 0 to \(layerCountMax - 1)")
            }
            layers.append(layer)
        }
        return layers
    }

    private static func tensors(
        _ file: SafetensorsFile,
        _ path: String,
        rank: Int
    ) throws(CheckpointError) -> NamedTensors {
        let elementCount = file.tensors.reduce(0) { $0 + $1.shape.elementCount }
        guard elementCount <= elementCountMax else {
            throw .limitExceeded(
                path: path,
                item: "the number of elements",
                actual: UInt64(elementCount),
                limit: UInt64(elementCountMax)
            )
        }
        let names = Set(file.tensors.map(\.name))
        var elements: [NamedTensors.Element] = []
        for tensor in file.tensors {
            let name = tensor.name
            if let problem = problem(of: tensor, names: names, rank: rank) {
                throw .invalidTensor(path: path, tensor: name, problem: problem)
            }
            let values = FloatDecoding.floats(
                try file.bytes(of: name),
                elementType: tensor.elementType
            )
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw .invalidTensor(path: path, tensor: name, problem: .notFinite(index: index))
            }
            elements.append(
                .init(name: name, tensor: FloatTensor(shape: tensor.shape, values: values))
            )
        }
        return NamedTensors(elements)
    }

    /// What is wrong with a tensor's name or shape, if anything.
    private static func problem(
        of tensor: TensorDescription,
        names: Set<String>,
        rank: Int
    ) -> CheckpointError.TensorProblem? {
        let (down, up) = (".lora_A.weight", ".lora_B.weight")
        let isDown = tensor.name.hasSuffix(down)
        guard tensor.name.hasPrefix(prefix), isDown || tensor.name.hasSuffix(up) else {
            return .unexpectedName
        }
        let partner = tensor.name.dropLast(down.count) + (isDown ? up : down)
        guard names.contains(String(partner)) else {
            return .invalidEntry("its other half \(partner) is missing")
        }
        let extents = tensor.shape.extents
        guard extents.count == 2, !extents.contains(0), extents[isDown ? 0 : 1] == rank else {
            return .shapeMismatch(
                actual: extents,
                expected: isDown ? "[\(rank), input]" : "[output, \(rank)]"
            )
        }
        return nil
    }
}
