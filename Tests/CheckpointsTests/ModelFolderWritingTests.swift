internal import Foundation
internal import JSONDocuments
internal import Tensors
internal import Testing

@testable internal import Checkpoints

@Suite struct ModelFolderWritingTests {
    private let folder: TemporaryFolder
    private let base: GGUFFile

    init() throws {
        folder = try TemporaryFolder()
        base = try GGUFFile(path: folder.write(GGUFBuilder.model().build(), to: "base.gguf"))
    }

    private func files(_ configuration: ModelConfiguration) throws -> ModelFolderFiles {
        try ModelFolderFiles(configuration: configuration, bosID: nil, eosID: 0, path: "base")
    }

    /// A tokenizer, without which our own reader takes no folder.
    private func addTokenizer(_ name: String) throws {
        try folder.write(Array(#"{"model":{}}"#.utf8), to: name + "/tokenizer.json")
    }

    @Test(arguments: [Int.max, 300, 1])
    func `a folder comes back with its configuration and tensors`(shardByteCountMax: Int) throws {
        var files = try files(base.configuration)
        try files.setElementType(.float32)
        let path = folder.path("model")
        try SafetensorsFolder.write(
            base, files: files, to: path, shardByteCountMax: shardByteCountMax)
        let weights = try folder.entries(of: "model").filter { $0.hasSuffix(".safetensors") }
        #expect((weights == ["model.safetensors"]) == (shardByteCountMax == .max))
        #expect((weights.count == base.tensors.count) == (shardByteCountMax == 1))
        try addTokenizer("model")
        let read = try SafetensorsFolder(path: path)
        #expect(read.configuration == base.configuration)
        #expect(read.tensors == base.tensors)
        for tensor in base.tensors {
            let left = try unsafe base.withBytes(of: tensor.name) { unsafe [UInt8]($0) }
            let right = try unsafe read.withBytes(of: tensor.name) { unsafe [UInt8]($0) }
            #expect(left == right)
        }
        #expect(try folder.entries() == ["base.gguf", "model"])
    }

    @Test func `a folder's own files are kept but for the element type`() throws {
        try FileManager.default.createDirectory(
            atPath: folder.path("hf"), withIntermediateDirectories: false)
        let config =
            #"{"model_type":"llama","dtype":"bfloat16","torch_dtype":"x","odd":[1.5,null]}"#
        try folder.write(Array(config.utf8), to: "hf/config.json")
        try folder.write([1], to: "hf/tokenizer.json")
        try folder.write([2], to: "hf/pytorch_model.bin")
        var files = try ModelFolderFiles(folder: folder.path("hf"))
        #expect(files.configJSON == Array(config.utf8))
        #expect(files.others == ["tokenizer.json": [1]])
        try files.setElementType(.float16)
        let value = try JSONValue(parsing: files.configJSON)
        let expected = try JSONValue(
            parsing: Array(
                #"{"model_type":"llama","odd":[1.5,null],"torch_dtype":"float16"}"#.utf8))
        #expect(value == expected)
    }

    @Test func `rotary scaling and windows are written under their names`() throws {
        var configuration = base.configuration
        configuration.ropeScaling = .llama3(
            factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalPositionCount: 32)
        configuration.modelType = "mistral"
        configuration.slidingWindow = 16
        let value = try #require(try JSONValue(parsing: files(configuration).configJSON).object)
        #expect(value["sliding_window"] == .integer(16))
        #expect(value["rms_norm_eps"] == .number(1e-5))
        #expect(value["architectures"] == .array([.string("MistralForCausalLM")]))
        let scaling = value["rope_scaling"]?.object
        #expect(scaling?["rope_type"] == .string("llama3"))
        #expect(scaling?["original_max_position_embeddings"] == .integer(32))
        configuration.ropeScaling = .divisors([1, 2])
        #expect(throws: CheckpointError.self) { try files(configuration) }
        configuration.ropeScaling = nil
        configuration.modelType = "gpt2"
        #expect(throws: CheckpointError.self) { try files(configuration) }
    }

    @Test func `nothing that is there is touched, and a failure leaves nothing`() throws {
        let files = try files(base.configuration)
        try folder.write([1], to: "taken")
        #expect(throws: CheckpointError.self) {
            try SafetensorsFolder.write(base, files: files, to: folder.path("taken"))
        }
        #expect(folder.read("taken") == [1])
        var builder = GGUFBuilder.model()
        builder.tensors[0].type = 8
        builder.tensors[0].extents = [32, 6]
        builder.tensors[0].data = [UInt8](repeating: 0, count: 204)
        let quantized = try GGUFFile(path: folder.write(builder.build(), to: "quantised.gguf"))
        #expect(throws: CheckpointError.self) {
            try SafetensorsFolder.write(quantized, files: files, to: folder.path("model"))
        }
        try #require(FileHandle(forWritingAtPath: folder.path("base.gguf")))
            .truncate(atOffset: 2000)
        #expect(throws: CheckpointError.self) {
            try SafetensorsFolder.write(base, files: files, to: folder.path("model"))
        }
        #expect(
            try folder.entries() == ["base.gguf", "quantised.gguf", "taken"])
    }
}
