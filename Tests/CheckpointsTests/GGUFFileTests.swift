internal import Foundation
internal import Tensors
internal import Testing

@testable internal import Checkpoints

@Suite struct GGUFFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open(_ builder: GGUFBuilder) throws -> GGUFFile {
        try GGUFFile(path: folder.write(builder.build(), to: "model.gguf"))
    }

    private func floats(_ source: some TensorSource, _ name: String) throws -> [Float] {
        let bytes = try unsafe source.withBytes(of: name) { unsafe [UInt8]($0) }
        return FloatDecoding.floats(bytes, elementType: .float32)
    }

    @Test(arguments: [UInt32(2), 3])
    func `a small model opens with its configuration, names and vocabulary`(
        version: UInt32
    ) throws {
        var builder = GGUFBuilder.model()
        builder.version = version
        let file = try open(builder)
        let configuration = ModelConfiguration(
            modelType: "llama",
            hiddenSize: 8,
            intermediateSize: 12,
            layerCount: 1,
            attentionHeadCount: 2,
            keyValueHeadCount: 1,
            headDimension: 4,
            vocabularySize: 6,
            positionCountMax: 64,
            rmsNormEpsilon: 1e-5,
            ropeTheta: 5000,
            tiesWordEmbeddings: true
        )
        #expect(file.configuration == configuration)
        #expect(file.name == "Tiny")
        #expect(
            file.tensors.map(\.name) == [
                "model.embed_tokens.weight", "model.layers.0.input_layernorm.weight",
                "model.layers.0.mlp.down_proj.weight", "model.layers.0.mlp.gate_proj.weight",
                "model.layers.0.mlp.up_proj.weight",
                "model.layers.0.post_attention_layernorm.weight",
                "model.layers.0.self_attn.k_proj.weight", "model.layers.0.self_attn.o_proj.weight",
                "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.v_proj.weight",
                "model.norm.weight",
            ]
        )
        let down = try #require(file.tensors.first { $0.name.hasSuffix("down_proj.weight") })
        #expect(down.shape == Shape([8, 12]) && down.byteCount == 384)
        guard case .gguf(let vocabulary) = file.vocabulary else { return }
        #expect(vocabulary.tokens == ["<e>", "a", "b", "ab", "c", "d"])
        #expect(vocabulary.eosID == 0 && vocabulary.bosID == nil && vocabulary.addsBOS == nil)
        #expect(vocabulary.scores.isEmpty && vocabulary.addsSpacePrefix && !vocabulary.addsEOS)
    }

    @Test func `a vocabulary of SentencePiece brings its scores and settings`() throws {
        var builder = GGUFBuilder.model()
        builder.set("tokenizer.ggml.model", .string("llama"))
        builder.remove("tokenizer.ggml.pre")
        builder.remove("tokenizer.ggml.merges")
        let scores: [Float] = [0, -1, -2.5, -3, -4, -5]
        let count = UInt64(scores.count).fileBytes
        let values = scores.flatMap(\.bitPattern.fileBytes)
        builder.set("tokenizer.ggml.scores", .raw(9, UInt32(6).fileBytes + count + values))
        builder.set("tokenizer.ggml.add_bos_token", .bool(0))
        builder.set("tokenizer.ggml.add_eos_token", .bool(1))
        builder.set("tokenizer.ggml.add_space_prefix", .bool(0))
        guard case .gguf(let vocabulary) = try open(builder).vocabulary else { return }
        #expect(vocabulary.model == "llama" && vocabulary.preTokenizer == "default")
        #expect(vocabulary.scores == scores && vocabulary.merges.isEmpty)
        #expect(vocabulary.addsBOS == false && vocabulary.addsEOS)
        #expect(!vocabulary.addsSpacePrefix)
    }

    @Test func `rows of queries and keys come in Hugging Face order`() throws {
        let file = try open(.model())
        // Row 2j + t of a head is channel j + 2t, for heads of four rows.
        let query = try floats(file, "model.layers.0.self_attn.q_proj.weight")
        let rows = [0, 2, 1, 3, 4, 6, 5, 7]
        #expect(query == rows.flatMap { row in (0..<8).map { Float(8 * row + $0) } })
        let key = try floats(file, "model.layers.0.self_attn.k_proj.weight")
        #expect(key == rows.prefix(4).flatMap { row in (0..<8).map { Float(8 * row + $0) } })
        let value = try floats(file, "model.layers.0.self_attn.v_proj.weight")
        #expect(value == (0..<32).map { Float($0) })
    }

    @Test func `quantised rows move as a whole`() throws {
        var builder = GGUFBuilder.model()
        builder.set("llama.embedding_length", .uint32(64))
        builder.set("llama.attention.key_length", .uint32(2))
        builder.set("llama.attention.value_length", .uint32(2))
        builder.tensors = [
            .init(
                name: "token_embd.weight", extents: [64, 6], type: 30,
                data: [UInt8](repeating: 0, count: 768)
            ),
            .init(
                name: "blk.0.attn_q.weight", extents: [64, 4], type: 3,
                data: (0..<160).map { UInt8($0) }
            ),
            .init(
                name: "blk.0.attn_k.weight", extents: [64, 2], type: 8,
                data: (0..<136).map { UInt8($0) }
            ),
        ]
        let file = try open(builder)
        let query = try #require(file.tensors.last)
        #expect(query.elementType == .q4_1 && query.byteCount == 160)
        let bytes = try unsafe file.withBytes(of: query.name) { unsafe [UInt8]($0) }
        // Two rows a head: the order is the same. The bytes must be, too.
        #expect(bytes == (0..<160).map { UInt8($0) })
        builder.set("llama.attention.key_length", .uint32(4))
        builder.set("llama.attention.value_length", .uint32(4))
        builder.set("llama.attention.head_count", .uint32(1))
        builder.tensors.removeLast()
        let single = try open(builder)
        let moved = try unsafe single.withBytes(of: query.name) { unsafe [UInt8]($0) }
        #expect(moved == [0, 2, 1, 3].flatMap { row in (0..<40).map { UInt8(40 * row + $0) } })
    }

    @Test(arguments: ElementType.allCases)
    func `every element type has its code and row length`(type: ElementType) throws {
        let codes: [ElementType: UInt32] = [
            .float32: 0, .float16: 1, .q4_0: 2, .q4_1: 3, .q5_0: 6, .q5_1: 7, .q8_0: 8,
            .q4_K: 12, .q5_K: 13, .q6_K: 14, .bfloat16: 30,
        ]
        var builder = GGUFBuilder.model()
        builder.set("llama.embedding_length", .uint32(256))
        builder.tensors = [
            .init(
                name: "token_embd.weight", extents: [256, 6], type: try #require(codes[type]),
                data: [UInt8](
                    repeating: 0, count: 6 * 256 / type.blockElementCount * type.blockByteCount)
            )
        ]
        let tensor = try #require(try open(builder).tensors.first)
        #expect(tensor.elementType == type && tensor.byteCount == builder.tensors[0].data.count)
        guard type.blockElementCount > 1 else { return }
        builder.tensors[0].extents = [16, 96]
        #expect(throws: CheckpointError.self) { try open(builder) }
    }

    @Test func `an output tensor is an untied head`() throws {
        var builder = GGUFBuilder.model()
        builder.tensors.append(
            .init(
                name: "output.weight", extents: [8, 6], type: 1,
                data: [UInt8](repeating: 0, count: 96)
            )
        )
        let file = try open(builder)
        #expect(!file.configuration.tiesWordEmbeddings)
        #expect(file.tensors.first?.name == "lm_head.weight")
        #expect(file.tensors.first?.elementType == .float16)
    }

    @Test func `an unknown tensor is an error and not a crash`() throws {
        let file = try open(.model())
        #expect(throws: CheckpointError.self) {
            try unsafe file.withBytes(of: "lm_head.weight") { $0.count }
        }
    }

    @Test func `a file that became shorter is noticed`() throws {
        let bytes = GGUFBuilder.model().build()
        let path = try folder.write(bytes, to: "model.gguf")
        let file = try GGUFFile(path: path)
        try #require(FileHandle(forWritingAtPath: path)).truncate(atOffset: 100)
        #expect(throws: CheckpointError.fileChanged(path: path)) {
            try unsafe file.withBytes(of: "model.norm.weight") { $0.count }
        }
    }

    @Test func `a real model opens`() throws {
        guard let path = TestModel.path else { return }
        let model = try ModelFiles.open(path: path)
        #expect(model.configuration.layerCount == 30 && model.configuration.hiddenSize == 576)
        #expect(model.configuration.ropeTheta == 100_000)
        #expect(model.configuration.tiesWordEmbeddings)
        #expect(model.tensors.count == 272)
        #expect(model.tensors.reduce(0) { $0 + $1.byteCount } == 96_576_768)
    }
}
