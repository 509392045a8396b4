internal import Testing

@testable internal import Checkpoints

@Suite struct GGUFErrorTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("model.gguf")
    }

    private func expect(
        _ expected: CheckpointError,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout GGUFBuilder) -> Void
    ) throws {
        var builder = GGUFBuilder.model()
        change(&builder)
        try folder.write(builder.build(), to: "model.gguf")
        #expect(throws: expected, sourceLocation: sourceLocation) { try GGUFFile(path: path) }
    }

    private func tensor(
        _ name: String,
        _ problem: CheckpointError.TensorProblem
    ) -> CheckpointError {
        .invalidTensor(path: path, tensor: name, problem: problem)
    }

    private func key(_ key: String, _ problem: CheckpointError.KeyProblem) -> CheckpointError {
        .invalidKey(path: path, key: key, problem: problem)
    }

    @Test func `tensors that lie wrong are named`() throws {
        try expect(tensor("output_norm.weight", .misaligned(offset: 193, alignment: 32))) {
            $0.tensors[1].offset = 193
        }
        try expect(tensor("output_norm.weight", .overlapping(other: "token_embd.weight"))) {
            $0.tensors[1].offset = 160
        }
        let huge = UInt64.max - 31
        let size = GGUFBuilder.model().tensors.reduce(0) { $0 + $1.data.count }
        for offset in [huge, UInt64(1) << 63, UInt64(size), UInt64(size) + 32] {
            try expect(
                tensor(
                    "output_norm.weight",
                    .outOfRange(offset: offset, byteCount: 32, dataByteCount: size)
                )
            ) { $0.tensors[1].offset = offset }
        }
    }

    @Test func `tensors with impossible extents are named`() throws {
        for extents: [UInt64] in [
            [], [0], [8, 0], [UInt64.max], [1 << 62, 4], [1 << 32, 1 << 32, 1 << 32], [1 << 62],
        ] {
            try expect(tensor("output_norm.weight", .invalidShape(extents))) {
                $0.tensors[1].extents = extents
            }
        }
        try expect(tensor("output_norm.weight", .invalidShape([8]))) { $0.tensors[1].type = 2 }
        try expect(
            .limitExceeded(
                path: path,
                item: "the extent count of tensor output_norm.weight",
                actual: 5,
                limit: 4
            )
        ) { $0.tensors[1].extents = [1, 1, 1, 1, 8] }
    }

    @Test func `tensors of unknown types and names are named`() throws {
        try expect(tensor("output_norm.weight", .unsupportedType("Q2_K"))) {
            $0.tensors[1].type = 10
        }
        try expect(
            tensor("output_norm.weight", .unsupportedType("number 99, which is unknown"))
        ) { $0.tensors[1].type = 99 }
        for name in [
            "blk.1.attn_norm.weight", "blk.00.attn_norm.weight", "blk.0.attn_output.bias",
            "blk.0.ffn_gate_inp.weight", "blk.0.attn_q_norm.weight",
            "blk.-0.attn_norm.weight", "blk.99999999999999999999.attn_norm.weight", "", "blk.",
            "blk.0.",
        ] {
            try expect(tensor(name, .unexpectedName)) { $0.tensors[2].name = name }
        }
        try expect(tensor("output_norm.weight", .duplicate)) {
            $0.tensors[2].name = "output_norm.weight"
        }
        try expect(tensor("token_embd.weight", .missing)) { $0.tensors.removeFirst() }
        try expect(tensor("token_embd.weight", .missing)) { $0.tensors = [] }
        try expect(
            tensor("blk.0.attn_q.weight", .shapeMismatch(actual: [4, 8], expected: "[8, 8]"))
        ) { $0.tensors[3].extents = [8, 4] }
    }

    @Test func `keys that are wrong are named`() throws {
        try expect(key("llama.block_count", .missing)) { $0.remove("llama.block_count") }
        try expect(key("llama.block_count", .duplicate)) {
            $0.keys.append(("llama.block_count", .uint32(1)))
        }
        try expect(
            key("llama.block_count", .wrongType(expected: "an integer", actual: "a string"))
        ) { $0.set("llama.block_count", .string("1")) }
        try expect(
            key("llama.block_count", .outOfRange(value: "0", expected: "from 1 to 4096"))
        ) { $0.set("llama.block_count", .uint32(0)) }
        try expect(
            key("llama.context_length", .outOfRange(value: "\(UInt64.max)", expected: "below 2^63"))
        ) { $0.set("llama.context_length", .uint64(.max)) }
        try expect(
            key(
                "llama.attention.head_count",
                .outOfRange(value: "-2", expected: "from 1 to 16777216"))
        ) { $0.set("llama.attention.head_count", .int32(-2)) }
        try expect(
            key("tokenizer.ggml.eos_token_id", .outOfRange(value: "6", expected: "an ID below 6"))
        ) { $0.set("tokenizer.ggml.eos_token_id", .uint32(6)) }
        try expect(
            key("tokenizer.ggml.add_bos_token", .outOfRange(value: "2", expected: "0 or 1"))
        ) { $0.set("tokenizer.ggml.add_bos_token", .bool(2)) }
        try expect(
            key(
                "tokenizer.ggml.scores",
                .wrongType(expected: "an array of numbers", actual: "an array of integers"))
        ) { $0.set("tokenizer.ggml.scores", .int32s([0, 0, 0, 0, 0, 0])) }
        try expect(
            key("tokenizer.ggml.scores", .outOfRange(value: "0 scores", expected: "6 scores"))
        ) { $0.set("tokenizer.ggml.scores", .raw(9, UInt32(6).fileBytes + UInt64(0).fileBytes)) }
        try expect(key("general.name", .notUTF8)) {
            $0.set("general.name", .raw(8, UInt64(2).fileBytes + [0xC3, 0x28]))
        }
        try expect(
            key("x", .wrongType(expected: "one of types 0 to 12", actual: "of type 13"))
        ) { $0.set("x", .raw(13, [])) }
        try expect(
            key(
                "general.alignment",
                .outOfRange(value: "24", expected: "a power of two from 8 to 65536"))
        ) { $0.set("general.alignment", .uint32(24)) }
    }

    @Test func `models that are computed otherwise are refused by name`() throws {
        let cases: [(String, GGUFBuilder.Value, String, String)] = [
            ("general.architecture", .string("qwen3moe"), "qwen3moe", "llama, qwen2 or qwen3"),
            ("general.architecture", .string("gemma3"), "gemma3", "llama, qwen2 or qwen3"),
            ("general.type", .string("adapter"), "adapter", "model"),
            ("llama.rope.scaling.type", .string("yarn"), "yarn", "none or linear"),
            ("llama.rope.scaling.type", .string("longrope"), "longrope", "none or linear"),
            ("llama.rope.scaling.attn_factor", .float32(2), "2.0", "1.0"),
            ("llama.logit_scale", .float32(2), "2.0", "1.0"),
            ("llama.attention.scale", .float32(0.5), "0.5", "0.0"),
            ("llama.final_logit_softcapping", .float32(30), "30.0", "0.0"),
            ("llama.attention.causal", .bool(0), "false", "true"),
            ("llama.expert_count", .uint32(8), "8", "0"),
            ("split.count", .uint32(2), "2", "a model in one file"),
            ("llama.rope.dimension_count", .uint32(2), "2", "the head's size, 4,"),
        ]
        for (key, value, text, supported) in cases {
            try expect(
                .unsupportedSetting(path: path, key: key, value: text, supported: supported)
            ) { $0.set(key, value) }
        }
    }

    @Test func `counts and lengths beyond reason allocate nothing`() throws {
        try expect(
            .limitExceeded(path: path, item: "the tensor count", actual: .max, limit: 65536)
        ) { $0.tensorCount = .max }
        try expect(
            .limitExceeded(path: path, item: "the key count", actual: 1 << 63, limit: 65536)
        ) { $0.keyCount = 1 << 63 }
        try expect(
            .limitExceeded(path: path, item: "the length of x", actual: .max, limit: 4 << 20)
        ) { $0.set("x", .raw(9, UInt32(5).fileBytes + UInt64.max.fileBytes)) }
        try expect(
            .limitExceeded(path: path, item: "the length of x", actual: .max, limit: 4 << 20)
        ) { $0.set("x", .raw(8, UInt64.max.fileBytes)) }
        try expect(.limitExceeded(path: path, item: "the nesting of x", actual: 5, limit: 4)) {
            let level = UInt32(9).fileBytes + UInt64(1).fileBytes
            $0.set("x", .raw(9, (0..<8).flatMap { _ in level } + [UInt8](repeating: 0, count: 99)))
        }
    }

    @Test func `other formats are refused by what they are`() throws {
        try expect(
            .unsupportedFormat(
                path: path, item: "the GGUF version", found: "1", supported: "little-endian 2 or 3"
            )
        ) { $0.version = 1 }
        try expect(
            .unsupportedFormat(
                path: path, item: "the GGUF version", found: "3 in big-endian order",
                supported: "little-endian 2 or 3"
            )
        ) { $0.version = UInt32(3).byteSwapped }
        for (name, error) in [
            ("a.bin", CheckpointError.pickleRefused(path: folder.path("a.bin"))),
            ("b.safetensors", .notACheckpoint(path: folder.path("b.safetensors"))),
        ] {
            let path = try folder.write([1, 2, 3, 4, 5], to: name)
            #expect(throws: error) { try ModelFiles.open(path: path) }
        }
        #expect(throws: CheckpointError.notACheckpoint(path: folder.path)) {
            try ModelFiles.open(path: folder.path)
        }
        #expect(throws: CheckpointError.notAPlainFile(path: "/dev/null")) {
            try ModelFiles.open(path: "/dev/null")
        }
        #expect(throws: CheckpointError.system(path: "/absent", call: "open", code: 2)) {
            try ModelFiles.open(path: "/absent")
        }
    }

    @Test func `errors say what to do`() {
        let error = tensor("blk.0.attn_q.weight", .unsupportedType("Q2_K"))
        #expect(
            error.description == "\(path): tensor blk.0.attn_q.weight has the element type Q2_K; "
                + "convert it to F32, F16, BF16 or, in a GGUF file, "
                + "Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K"
        )
    }
}
