import Adapters
import Checkpoints
import Foundation
import Kernels
import Models
import Tensors
import Testing

@Suite struct READFileTests {
    static let model = MemoryTensorSource.smallConfiguration()

    static func adapter() -> READAdapter {
        READFixture.adapter(
            READConfiguration(
                stateSize: 8, cell: .lstm, aggregation: .mean, inputScale: 0.5, outputScale: 2,
                adaptedLayers: [1], startsFromEmbedding: true),
            model)
    }

    /// A folder of its own that goes away afterwards.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "read-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appending(path: "adapter").path())
    }

    @Test func `an adapter survives the way to its folder and back`() throws {
        try withFolder { path in
            let adapter = Self.adapter()
            try adapter.write(to: path, baseModelName: "base")
            let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
            #expect(names == ["read_config.json", "read_model.safetensors"])
            let saved = try SavedAdapter.read(path: path)
            #expect(saved == .read(adapter.files(baseModelName: "base")))
            let made = try AdapterRegistry.standard.makeAdapter(saved, model: Self.model)
            let read = try #require(made as? READAdapter)
            #expect(read.configuration == adapter.configuration)
            #expect(read.parameters == adapter.parameters)
            // Written again over itself.
            try read.write(to: path, baseModelName: nil)
            #expect(try SavedAdapter.read(path: path) == .read(adapter.files(baseModelName: nil)))
        }
    }

    @Test func `a PEFT folder is read by its own method`() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/peft/llama-r4").path()
        guard case .lora = try SavedAdapter.read(path: path) else {
            Issue.record("another method")
            return
        }
    }

    @Test func `what does not fit is refused by its name`() {
        func refusal(_ change: (inout READFiles) -> Void) -> AdapterError? {
            var files = Self.adapter().files(baseModelName: nil)
            change(&files)
            return #expect(throws: AdapterError.self) {
                try READAdapter(files: files, model: Self.model)
            }
        }
        func setting(_ name: String, _ value: String) -> AdapterError {
            .invalidSetting(name: name, value: value)
        }
        #expect(refusal { $0.cell = "qrnn" } == setting("cell", "qrnn"))
        #expect(refusal { $0.aggregation = "max" } == setting("aggregation", "max"))
        #expect(refusal { $0.stateSize = 0 } == setting("hidden_size", "0"))
        #expect(refusal { $0.stateSize = 1 << 40 } == setting("hidden_size", "\(1 << 40)"))
        #expect(refusal { $0.layerCount = 3 } == setting("num_hidden_layers", "3"))
        #expect(refusal { $0.adaptedLayers = [2] } == setting("adapted_layers", "[2]"))
        #expect(refusal { $0.adaptedLayers = [] } == setting("adapted_layers", "[]"))
        #expect(refusal { $0.inputScale = .infinity } == setting("in_scale", "inf"))
        #expect(
            refusal { $0.startsFromEmbedding = false } == .unexpectedTensor(name: "read.init.bias"))
        let name = "read.rnn.weight_ih_l0"
        #expect(
            refusal { $0.cell = "gru" }
                == .shapeMismatch(
                    name: "read.rnn.bias_hh_l0", expected: Shape([24]), actual: Shape([32])))
        #expect(
            refusal { files in
                files.tensors = NamedTensors(files.tensors.elements.filter { $0.name != name })
            } == .missingTensor(name: name))
        #expect(
            refusal {
                var tensor = FloatTensor(zeros: Shape([32, 16]))
                tensor.values[5] = .nan
                $0.tensors.replace(name, with: tensor)
            } == .nonFiniteTensor(name: name))
    }

    @Test(arguments: [
        (#""cell""#, #""kell""#, "cell"), (#""gru""#, #""tree""#, "cell"),
        (#""READ""#, #""SEEN""#, "method"), (#""version" : 1"#, #""version" : 2"#, "version"),
        (#""hidden_size" : 8"#, #""hidden_size" : 0"#, "hidden_size"),
        (#""hidden_size" : 8"#, #""hidden_size" : 99999999"#, "hidden_size"),
        (#""hidden_size" : 8"#, #""hidden_size" : "8""#, "hidden_size"),
        (#""num_hidden_layers" : 2"#, #""num_hidden_layers" : -1"#, "num_hidden_layers"),
        (#""in_scale" : 1"#, #""in_scale" : 1e300, "x" : 1"#, "in_scale"),
        (#""adapted_layers" : null"#, #""adapted_layers" : [1, 1]"#, "adapted_layers"),
        (#""adapted_layers" : null"#, #""adapted_layers" : [2]"#, "adapted_layers"),
        (#""adapted_layers" : null"#, #""adapted_layers" : ["0"]"#, "adapted_layers"),
        (#""adapted_layers" : null"#, #""adapted_layers" : 1"#, "adapted_layers"),
    ])
    func `a setting that makes no sense is named`(
        text: String,
        replacement: String,
        key: String
    ) throws {
        try withFolder { path in
            let adapter = READFixture.adapter(READConfiguration(stateSize: 8), Self.model)
            try adapter.write(to: path, baseModelName: nil)
            let file = URL(filePath: path).appending(path: "read_config.json")
            // However the file sets its colons.
            let config = try String(contentsOf: file, encoding: .utf8)
                .replacing(#/":\s*/#, with: "\" : ")
            #expect(config.contains(text))
            try config.replacingOccurrences(of: text, with: replacement)
                .write(to: file, atomically: true, encoding: .utf8)
            let error = #expect(throws: CheckpointError.self) {
                try SavedAdapter.read(path: path)
            }
            switch error {
            case .invalidKey(_, let found, _), .unsupportedSetting(_, let found, _, _):
                #expect(found == key)
            default: Issue.record("\(String(describing: error))")
            }
        }
    }

    @Test func `weights that are missing, strange or cut off are refused`() throws {
        try withFolder { path in
            let adapter = READFixture.adapter(READConfiguration(stateSize: 8), Self.model)
            try adapter.write(to: path, baseModelName: nil)
            let file = URL(filePath: path).appending(path: "read_model.safetensors")
            let bytes = try Data(contentsOf: file)
            for count in [0, 7, 9, bytes.count / 2, bytes.count - 1] {
                try bytes.prefix(count).write(to: file)
                #expect(throws: CheckpointError.self) { try SavedAdapter.read(path: path) }
            }
            var renamed = bytes
            let place = try #require(renamed.firstRange(of: Data("read.norm".utf8)))
            renamed.replaceSubrange(place, with: Data("seen.norm".utf8))
            try renamed.write(to: file)
            #expect(throws: CheckpointError.self) { try SavedAdapter.read(path: path) }
            try FileManager.default.removeItem(at: file)
            #expect(
                throws: CheckpointError.missingFile(path: path, file: "read_model.safetensors")
            ) { try SavedAdapter.read(path: path) }
        }
    }
}
