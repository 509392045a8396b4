internal import Foundation
internal import Tensors
internal import Testing

@testable internal import Checkpoints

@Suite struct GGUFExportTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private static func configuration(_ modelType: String) -> ModelConfiguration {
        ModelConfiguration(
            modelType: modelType, hiddenSize: 8, intermediateSize: 12, layerCount: 1,
            attentionHeadCount: 2, keyValueHeadCount: 1, headDimension: 4, vocabularySize: 6,
            positionCountMax: 64, rmsNormEpsilon: 1e-5, ropeTheta: 5000, tiesWordEmbeddings: true)
    }

    /// A pair whose element k of A is k and of B is 100 + k.
    private static func pair(_ module: String, _ output: Int, _ input: Int) -> [NamedTensors
        .Element]
    {
        let prefix = "base_model.model.model.layers.0."
        return [
            .init(
                name: prefix + module + ".lora_A.weight",
                tensor: FloatTensor(
                    shape: Shape([2, input]), values: (0..<2 * input).map { Float($0) })),
            .init(
                name: prefix + module + ".lora_B.weight",
                tensor: FloatTensor(
                    shape: Shape([output, 2]), values: (0..<2 * output).map { Float(100 + $0) })),
        ]
    }

    private static func adapter(alpha: Double = 3, usesRSLoRA: Bool = false) -> PEFTAdapter {
        PEFTAdapter(
            rank: 2, alpha: alpha, usesRSLoRA: usesRSLoRA,
            targetModules: ["q_proj", "k_proj", "v_proj", "down_proj"],
            tensors: NamedTensors(
                pair("self_attn.q_proj", 8, 8) + pair("self_attn.k_proj", 4, 8)
                    + pair("self_attn.v_proj", 4, 8) + pair("mlp.down_proj", 8, 12)),
            baseModelName: nil)
    }

    private func write(_ adapter: PEFTAdapter, _ modelType: String) throws -> GGUFContents {
        let path = folder.path("adapter-\(UUID()).gguf")
        try GGUFAdapter.write(
            adapter, model: Self.configuration(modelType), name: "Test", to: path)
        return try GGUFContents(path: path)
    }

    private func floats(_ contents: GGUFContents, _ name: String) throws -> [Float] {
        let bytes = try unsafe contents.withBytes(of: name) { unsafe [UInt8]($0) }
        return FloatDecoding.floats(bytes, elementType: .float32)
    }

    /// Rows of two values each, counted up from 100.
    private func rows(_ order: [Int]) -> [Float] {
        order.flatMap { [Float(100 + 2 * $0), Float(101 + 2 * $0)] }
    }

    @Test(arguments: ["llama", "mistral"])
    func `a Llama's adapter has llama.cpp's names, shapes and rows`(modelType: String) throws {
        let written = try write(Self.adapter(), modelType)
        #expect(
            written.fields == [
                GGUFField("general.architecture", .string("llama")),
                GGUFField("general.type", .string("adapter")),
                GGUFField("general.name", .string("Test")),
                GGUFField("adapter.type", .string("lora")),
                GGUFField("adapter.lora.alpha", .float32(3)),
            ])
        #expect(
            written.tensors.map(\.name)
                == ["attn_k", "attn_q", "attn_v", "ffn_down"].flatMap {
                    ["blk.0.\($0).weight.lora_a", "blk.0.\($0).weight.lora_b"]
                })
        #expect(
            written.tensors.map(\.shape)
                == [[2, 8], [4, 2], [2, 8], [8, 2], [2, 8], [4, 2], [2, 12], [8, 2]].map {
                    Shape($0)
                })
        // Channel j + 2 t of a head of four is row 2 j + t.
        #expect(try floats(written, "blk.0.attn_k.weight.lora_b") == rows([0, 2, 1, 3]))
        #expect(
            try floats(written, "blk.0.attn_q.weight.lora_b") == rows([0, 2, 1, 3, 4, 6, 5, 7]))
        #expect(try floats(written, "blk.0.attn_v.weight.lora_b") == rows([0, 1, 2, 3]))
        #expect(try floats(written, "blk.0.attn_q.weight.lora_a") == (0..<16).map { Float($0) })
    }

    @Test(arguments: ["qwen2", "qwen3"])
    func `other architectures keep their rows`(modelType: String) throws {
        let written = try write(Self.adapter(), modelType)
        #expect(try written.string("general.architecture") == modelType)
        #expect(try floats(written, "blk.0.attn_k.weight.lora_b") == rows([0, 1, 2, 3]))
    }

    @Test func `the scale is folded into alpha`() throws {
        let rooted = try write(Self.adapter(usesRSLoRA: true), "llama")
        let alpha = try #require(try rooted.float("adapter.lora.alpha"))
        #expect(abs(alpha / 2 - 3 / 2.0.squareRoot()) < 1e-6)
        let still = try write(Self.adapter(alpha: 0), "llama")
        #expect(try still.float("adapter.lora.alpha") == 1)
        #expect(try floats(still, "blk.0.attn_v.weight.lora_b").allSatisfy { $0 == 0 })
        #expect(try floats(still, "blk.0.attn_v.weight.lora_a")[1] == 1)
    }

    @Test func `what does not fit is refused by name, and nothing is written`() throws {
        let path = folder.path("refused.gguf")
        func expect(_ name: String, in adapter: PEFTAdapter) {
            #expect {
                try GGUFAdapter.write(
                    adapter, model: Self.configuration("llama"), name: nil, to: path)
            } throws: { error in
                guard case CheckpointError.invalidTensor(_, let tensor, _) = error else {
                    return false
                }
                return tensor == name
            }
        }
        var outside = Self.adapter()
        outside.tensors = NamedTensors(
            Self.pair("self_attn.q_proj", 8, 8)
                + [
                    .init(
                        name: "base_model.model.lm_head.lora_A.weight",
                        tensor: FloatTensor(shape: Shape([2, 1]), values: [1, 2]))
                ])
        expect("base_model.model.lm_head.lora_A.weight", in: outside)
        var cut = Self.adapter()
        cut.tensors = NamedTensors(Self.pair("self_attn.q_proj", 7, 8))
        expect("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight", in: cut)
        #expect(throws: CheckpointError.self) {
            try GGUFAdapter.write(
                Self.adapter(), model: Self.configuration("gpt2"), name: nil, to: path)
        }
        #expect(try folder.entries().isEmpty)
        try folder.write([1], to: "refused.gguf")
        #expect(throws: CheckpointError.self) {
            try GGUFAdapter.write(
                Self.adapter(), model: Self.configuration("llama"), name: nil, to: path)
        }
        #expect(folder.read("refused.gguf") == [1])
    }

    /// A model's source in which some tensors are negated.
    private struct Negated: TensorSource {
        let base: GGUFFile
        let names: Set<String>

        var configuration: ModelConfiguration { base.configuration }
        var tensors: [TensorDescription] { base.tensors }

        func withBytes<Result>(
            of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
        ) throws -> Result {
            let bytes = try unsafe base.withBytes(of: name) { unsafe [UInt8]($0) }
            guard names.contains(name) else { return try unsafe bytes.withUnsafeBytes(body) }
            let negated = FloatDecoding.floats(bytes, elementType: .float32)
                .flatMap { (-$0).bitPattern.littleEndianBytes }
            return try unsafe negated.withUnsafeBytes(body)
        }
    }

    @Test func `a copy differs in the replaced tensors alone`() throws {
        var builder = GGUFBuilder.model()
        builder.set("general.alignment", .uint32(64))
        builder.set("custom.nested", .raw(9, [9, 0, 0, 0] + [UInt8](repeating: 0, count: 8)))
        builder.alignment = 64
        let basePath = try folder.write(builder.build(), to: "base.gguf")
        let names: Set<String> = [
            "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight",
            "model.layers.0.mlp.up_proj.weight",
        ]
        let base = try GGUFFile(path: basePath)
        let path = folder.path("copy.gguf")
        try GGUFModelCopy.write(
            basePath, replacing: names, from: Negated(base: base, names: names), to: path)
        let (before, after) = (try GGUFContents(path: basePath), try GGUFContents(path: path))
        #expect(before.fields == after.fields && before.tensors == after.tensors)
        for tensor in before.tensors {
            let (old, new) = (try floats(before, tensor.name), try floats(after, tensor.name))
            let isReplaced = ["attn_q", "attn_k", "ffn_up"].contains {
                tensor.name == "blk.0.\($0).weight"
            }
            #expect(new == (isReplaced ? old.map { -$0 } : old), "\(tensor.name)")
        }
        #expect(throws: CheckpointError.self) {
            try GGUFModelCopy.write(
                basePath, replacing: names, from: Negated(base: base, names: names), to: path)
        }
        #expect {
            try GGUFModelCopy.write(
                basePath, replacing: ["lm_head.weight"], from: base, to: folder.path("other"))
        } throws: { error in
            error as? CheckpointError
                == .invalidTensor(path: basePath, tensor: "lm_head.weight", problem: .missing)
        }
        #expect(try folder.entries() == ["base.gguf", "copy.gguf"])
    }

    @Test(arguments: [1, 2, 8])
    func `rows put in one order and back are where they were`(headCount: Int) {
        let bytes = (0..<headCount * 6 * 5).map { UInt8(truncatingIfNeeded: $0) }
        let moved = unsafe bytes.withUnsafeBytes {
            unsafe RotaryRows.interleavedOrder($0, rowByteCount: 5, headRowCount: 6)
        }
        let back = unsafe moved.withUnsafeBytes {
            unsafe RotaryRows.huggingFaceOrder($0, rowByteCount: 5, headRowCount: 6)
        }
        #expect(moved != bytes && back == bytes)
    }
}
