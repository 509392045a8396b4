internal import Tensors
internal import Testing

@testable internal import Checkpoints

@Suite struct SafetensorsFolderTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(ModelConfigurationTests.sample, to: "config.json")
        try folder.write(Array("{}".utf8), to: "tokenizer.json")
    }

    private func tensors(_ names: String...) -> [UInt8] {
        SafetensorsWriter.encode(
            NamedTensors(
                names.map {
                    .init(
                        name: $0, tensor: FloatTensor(shape: Shape([1]), values: [Float($0.count)]))
                }
            )
        )
    }

    private func writeIndex(_ map: String) throws {
        try folder.write(
            Array(#"{"metadata":{"total_size":8},"weight_map":\#(map)}"#.utf8),
            to: "model.safetensors.index.json"
        )
    }

    @Test func `one file is a model`() throws {
        try folder.write(tensors("b", "aa"), to: "model.safetensors")
        let model = try ModelFiles.open(path: folder.path)
        #expect(model.tensors.map(\.name) == ["aa", "b"])
        #expect(model.configuration.layerCount == 30)
        #expect(folder.path.hasSuffix(model.name))
    }

    @Test func `several files with an index are a model`() throws {
        try folder.write(tensors("b"), to: "one.safetensors")
        try folder.write(tensors("aa", "c"), to: "two.safetensors")
        try writeIndex(#"{"aa":"two.safetensors","b":"one.safetensors","c":"two.safetensors"}"#)
        let model = try ModelFiles.open(path: folder.path)
        #expect(model.tensors.map(\.name) == ["aa", "b", "c"])
        let bytes = try unsafe model.withBytes(of: "aa") { unsafe [UInt8]($0) }
        #expect(bytes == Float(2).bitPattern.fileBytes)
        #expect(throws: CheckpointError.self) {
            try unsafe model.withBytes(of: "d") { $0.count }
        }
    }

    @Test(arguments: [
        #"{"b":"one.safetensors","c":"one.safetensors"}"#, #"{"aa":"one.safetensors"}"#,
        #"{"b":"../one.safetensors"}"#, #"{"b":"/etc/passwd"}"#, #"{"b":"one.bin"}"#, #"{"b":7}"#,
        #"{"b":"absent.safetensors"}"#, "[]", #"{"b":"one.safetensors","b":"one.safetensors"}"#,
    ])
    func `an index that doesn't fit its files is refused`(map: String) throws {
        try folder.write(tensors("b"), to: "one.safetensors")
        try writeIndex(map)
        #expect(throws: CheckpointError.self) { try ModelFiles.open(path: folder.path) }
    }

    @Test func `missing files and pickles are named`() throws {
        #expect(
            throws: CheckpointError.missingFile(path: folder.path, file: "model.safetensors")
        ) { try ModelFiles.open(path: folder.path) }
        try folder.write([0x80], to: "pytorch_model.bin")
        #expect(
            throws: CheckpointError.pickleRefused(path: folder.path("pytorch_model.bin"))
        ) { try ModelFiles.open(path: folder.path) }
        try folder.remove("tokenizer.json")
        #expect(throws: CheckpointError.missingFile(path: folder.path, file: "tokenizer.json")) {
            try ModelFiles.open(path: folder.path)
        }
    }

    @Test func `a template file goes before the one in the settings`() throws {
        try folder.write(tensors("b"), to: "model.safetensors")
        try folder.write(
            Array(#"{"bos_token":"a","chat_template":"old"}"#.utf8),
            to: "tokenizer_config.json"
        )
        try folder.write(Array("new\n".utf8), to: "chat_template.jinja")
        guard
            case .huggingFace(_, let config) = try ModelFiles.open(path: folder.path).vocabulary
        else { return }
        let text = String(decoding: config ?? [], as: UTF8.self)
        #expect(text == #"{"bos_token":"a","chat_template":"new\n"}"#)
    }
}
