internal import Tensors
internal import Testing

@testable internal import Checkpoints

@Suite struct PEFTFolderTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    static var sample: PEFTAdapter {
        let module = "base_model.model.model.layers.0.self_attn.q_proj"
        return PEFTAdapter(
            rank: 2,
            alpha: 4,
            usesRSLoRA: false,
            targetModules: ["q_proj"],
            tensors: NamedTensors([
                .init(
                    name: "\(module).lora_A.weight",
                    tensor: FloatTensor(shape: Shape([2, 3]), values: [1, -2, 0.5, .pi, 1e-30, 7])
                ),
                .init(
                    name: "\(module).lora_B.weight",
                    tensor: FloatTensor(
                        shape: Shape([4, 2]), values: [Float](repeating: 0, count: 8))
                ),
            ]),
            baseModelName: nil
        )
    }

    @Test func `an adapter survives writing and reading, bit by bit`() throws {
        var adapter = Self.sample
        for (alpha, layers) in [(4, nil), (0.1, [0])] as [(Double, [Int]?)] {
            adapter.alpha = alpha
            adapter.layers = layers
            adapter.usesRSLoRA.toggle()
            adapter.baseModelName = "some/model \"quoted\""
            let path = folder.path("adapter")
            try PEFTFolder.write(adapter, to: path, extraFiles: ["starling.json": [123, 125]])
            #expect(try PEFTFolder.read(path: path) == adapter)
            #expect(folder.read("adapter/starling.json") == [123, 125])
        }
        #expect(try folder.entries() == ["adapter"])
    }

    @Test func `an adapter that peft wrote is read`() throws {
        let adapter = try PEFTFolder.read(path: Fixture.path("peft/llama-r4"))
        #expect(adapter.rank == 4 && adapter.alpha == 8 && !adapter.usesRSLoRA)
        #expect(Set(adapter.targetModules) == ["q_proj", "v_proj"])
        #expect(adapter.tensors.elements.count == 8)
        for (index, element) in adapter.tensors.elements.enumerated() {
            // The script fills tensor t with sin(k + t) / 8, in bfloat16 for every other one.
            let tolerance: Float = index % 2 == 0 ? 1e-7 : 1e-3
            for (k, value) in element.tensor.values.enumerated() {
                let angle = Double(k + index)
                #expect(abs(value - Float(sine(angle) / 8)) <= tolerance)
            }
        }
    }

    @Test(
        arguments: [
            ("7", [7]), ("[3, 1]", [3, 1]), ("[]", nil), ("null", nil),
            ("[0], \"layers_pattern\": \"layers\"", [0]),
        ] as [(String, [Int]?)])
    func `layers to transform are read as peft reads them`(text: String, layers: [Int]?) throws {
        let path = folder.path("adapter")
        try PEFTFolder.write(Self.sample, to: path)
        let config = try #require(folder.read("adapter/adapter_config.json"))
        let changed = String(decoding: config, as: UTF8.self).replacing(
            #""layers_to_transform": null"#, with: #""layers_to_transform": "# + text)
        try folder.write(Array(changed.utf8), to: "adapter/adapter_config.json")
        #expect(try PEFTFolder.read(path: path).layers == layers)
    }

    @Test(arguments: ["[0.5]", "[-1]", #""1""#, "[4096]", "[1, null]"])
    func `layers that no model has are refused`(text: String) throws {
        let path = folder.path("adapter")
        try PEFTFolder.write(Self.sample, to: path)
        let config = try #require(folder.read("adapter/adapter_config.json"))
        let changed = String(decoding: config, as: UTF8.self).replacing(
            #""layers_to_transform": null"#, with: #""layers_to_transform": "# + text)
        try folder.write(Array(changed.utf8), to: "adapter/adapter_config.json")
        let error = #expect(throws: CheckpointError.self) { try PEFTFolder.read(path: path) }
        guard case .invalidKey(_, "layers_to_transform", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        (
            #""layers_to_transform": null"#,
            #""layers_to_transform": [1], "layers_pattern": "blocks""#, "layers_pattern"
        ),
        (#""peft_type": "LORA""#, #""peft_type": "IA3""#, "peft_type"),
        (#""bias": "none""#, #""bias": "all""#, "bias"),
        (#""r": 2"#, #""r": 2, "use_dora": true"#, "use_dora"),
        (#""r": 2"#, #""r": 2, "rank_pattern": {"x": 4}"#, "rank_pattern"),
        (#""r": 2"#, #""r": 2, "alpha_pattern": {"x": 4}"#, "alpha_pattern"),
        (#""modules_to_save": null"#, #""modules_to_save": ["lm_head"]"#, "modules_to_save"),
    ])
    func `settings that change what is computed are refused by name`(
        old: String,
        new: String,
        key: String
    ) throws {
        let path = folder.path("adapter")
        try PEFTFolder.write(Self.sample, to: path)
        let config = try #require(folder.read("adapter/adapter_config.json"))
        let changed = String(decoding: config, as: UTF8.self).replacing(old, with: new)
        try folder.write(Array(changed.utf8), to: "adapter/adapter_config.json")
        let error = #expect(throws: CheckpointError.self) { try PEFTFolder.read(path: path) }
        guard case .unsupportedSetting(_, key, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        ("lora_A.weight", "lora_magnitude_vector"), ("lora_B.weight", "lora_A.bias"),
        ("base_model.model.", ""),
    ])
    func `tensors of other methods are refused`(old: String, new: String) throws {
        var adapter = Self.sample
        adapter.tensors = NamedTensors(
            adapter.tensors.elements.map {
                .init(name: $0.name.replacing(old, with: new), tensor: $0.tensor)
            }
        )
        try PEFTFolder.write(adapter, to: folder.path("adapter"))
        #expect(throws: CheckpointError.self) {
            try PEFTFolder.read(path: folder.path("adapter"))
        }
    }

    @Test func `ranks other than the configuration's and values that are not finite are refused`()
        throws
    {
        var adapter = Self.sample
        adapter.rank = 3
        let path = folder.path("adapter")
        try PEFTFolder.write(adapter, to: path)
        #expect(throws: CheckpointError.self) { try PEFTFolder.read(path: path) }
        adapter = Self.sample
        let name = try #require(adapter.tensors.names.first)
        var tensor = try #require(adapter.tensors[name])
        tensor.values[4] = .nan
        adapter.tensors.replace(name, with: tensor)
        try PEFTFolder.write(adapter, to: path)
        let error = #expect(throws: CheckpointError.self) { try PEFTFolder.read(path: path) }
        guard case .invalidTensor(_, name, .notFinite(index: 4)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a pickle is refused as such`() throws {
        let path = folder.path("adapter")
        try PEFTFolder.write(Self.sample, to: path, extraFiles: ["adapter_model.bin": [0x80]])
        #expect(throws: Never.self) { try PEFTFolder.read(path: path) }
        try folder.remove("adapter/adapter_model.safetensors")
        #expect(throws: CheckpointError.pickleRefused(path: path + "/adapter_model.bin")) {
            try PEFTFolder.read(path: path)
        }
    }

    @Test func `nothing that is not an adapter's is overwritten`() throws {
        let path = folder.path("adapter")
        try PEFTFolder.write(Self.sample, to: path)
        try folder.write([1], to: "adapter/notes.txt")
        #expect(throws: CheckpointError.notReplaceable(path: path, entry: "notes.txt")) {
            try PEFTFolder.write(Self.sample, to: path)
        }
        let file = try folder.write([1], to: "file")
        #expect(throws: CheckpointError.self) { try PEFTFolder.write(Self.sample, to: file) }
        #expect(try folder.entries() == ["adapter", "file"])
    }

    @Test(arguments: ["", "../x", "a/b", ".hidden", "adapter_config.json", "a\nb"])
    func `extra files stay in the folder and replace nothing`(name: String) throws {
        #expect(throws: CheckpointError.invalidFileName(path: folder.path("a"), file: name)) {
            try PEFTFolder.write(Self.sample, to: folder.path("a"), extraFiles: [name: []])
        }
        #expect(try folder.entries() == [])
    }
}
