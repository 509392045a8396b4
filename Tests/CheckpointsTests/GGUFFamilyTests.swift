internal import Foundation
internal import Tensors
internal import Testing

@testable internal import Checkpoints

extension GGUFBuilder {
    /// A float tensor whose every element is its index plus `first`.
    static func tensor(_ name: String, _ extents: [UInt64], first: Int = 0) -> Tensor {
        let count = Int(extents.reduce(1, *))
        return Tensor(
            name: name,
            extents: extents,
            type: 0,
            data: (first..<first + count).flatMap { Float($0).bitPattern.fileBytes },
            offset: nil
        )
    }

    /// The small model as another architecture, with the tensors that it has more.
    static func model(of architecture: String) -> GGUFBuilder {
        var builder = model()
        builder.keys = builder.keys.map { key, value in
            (key.replacing("llama.", with: architecture + "."), value)
        }
        builder.set("general.architecture", .string(architecture))
        switch architecture {
        case "qwen2":
            builder.tensors += biases
        case "qwen3":
            builder.tensors += [
                tensor("blk.0.attn_q_norm.weight", [4]), tensor("blk.0.attn_k_norm.weight", [4]),
            ]
        default: break
        }
        return builder
    }

    /// The bytes of the data with those between tensors.
    var paddedDataByteCount: Int {
        tensors.reduce(0) { ($0 + $1.data.count + alignment - 1) / alignment * alignment }
    }

    static let biases = [
        tensor("blk.0.attn_q.bias", [8]), tensor("blk.0.attn_k.bias", [4]),
        tensor("blk.0.attn_v.bias", [4]),
    ]
}

@Suite struct GGUFFamilyTests {
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

    private let prefix = "model.layers.0.self_attn."

    @Test func `Qwen2 has biases, and its rows stay where they are`() throws {
        let file = try open(.model(of: "qwen2"))
        #expect(file.configuration.modelType == "qwen2")
        #expect(file.configuration.hasAttentionBiases)
        #expect(!file.configuration.normalizesQueriesAndKeys)
        #expect(file.configuration.ropeTheta == 5000 && file.configuration.positionCountMax == 64)
        #expect(try floats(file, prefix + "q_proj.weight") == (0..<64).map { Float($0) })
        #expect(try floats(file, prefix + "q_proj.bias") == (0..<8).map { Float($0) })
        #expect(try floats(file, prefix + "k_proj.bias") == (0..<4).map { Float($0) })
        #expect(try floats(file, prefix + "v_proj.bias") == (0..<4).map { Float($0) })
    }

    @Test func `Qwen3 has norms, and heads of any size`() throws {
        var builder = GGUFBuilder.model(of: "qwen3")
        let file = try open(builder)
        #expect(file.configuration.modelType == "qwen3")
        #expect(!file.configuration.hasAttentionBiases)
        #expect(file.configuration.normalizesQueriesAndKeys)
        #expect(try floats(file, prefix + "k_norm.weight") == [0, 1, 2, 3])
        #expect(try floats(file, prefix + "q_norm.weight") == [0, 1, 2, 3])
        builder.set("qwen3.attention.key_length", .uint32(6))
        builder.set("qwen3.attention.value_length", .uint32(6))
        #expect(try open(builder).configuration.headDimension == 6)
    }

    @Test func `a Llama's biases come in the order of its rows`() throws {
        var builder = GGUFBuilder.model()
        #expect(try !open(builder).configuration.hasAttentionBiases)
        builder.tensors += GGUFBuilder.biases
        let file = try open(builder)
        #expect(file.configuration.hasAttentionBiases)
        #expect(try floats(file, prefix + "q_proj.bias") == [0, 2, 1, 3, 4, 6, 5, 7])
        #expect(try floats(file, prefix + "k_proj.bias") == [0, 2, 1, 3])
        #expect(try floats(file, prefix + "v_proj.bias") == [0, 1, 2, 3])
    }

    @Test(arguments: ["llama", "qwen2", "qwen3"])
    func `a window and a factor are read under each architecture's prefix`(
        architecture: String
    ) throws {
        var builder = GGUFBuilder.model(of: architecture)
        builder.set(architecture + ".attention.sliding_window", .uint32(7))
        builder.set(architecture + ".rope.scaling.type", .string("linear"))
        builder.set(architecture + ".rope.scaling.factor", .float32(4))
        let configuration = try open(builder).configuration
        #expect(configuration.slidingWindow == 7)
        #expect(configuration.modelType == (architecture == "llama" ? "mistral" : architecture))
        #expect(configuration.ropeScaling == .linear(factor: 4))
        builder.set(architecture + ".attention.sliding_window", .uint32(0))
        builder.set(architecture + ".rope.scaling.type", .string("none"))
        let plain = try open(builder).configuration
        #expect(plain.slidingWindow == nil && plain.ropeScaling == nil)
        #expect(plain.modelType == architecture)
    }

    @Test func `a factor without a type is linear, and 0 or 1 is none`() throws {
        var builder = GGUFBuilder.model()
        for (key, value, scaling) in [
            ("rope.scaling.factor", 8, RopeScaling.linear(factor: 8)),
            ("rope.scaling.factor", 0, nil), ("rope.scaling.factor", 1, nil),
            ("rope.scale_linear", 2, .linear(factor: 2)),
        ] as [(String, Float, RopeScaling?)] {
            builder.set("llama." + key, .float32(value))
            #expect(try open(builder).configuration.ropeScaling == scaling, "\(key) \(value)")
            builder.remove("llama." + key)
        }
    }

    @Test func `divisors of frequencies are part of the configuration and no tensor`() throws {
        var builder = GGUFBuilder.model()
        builder.tensors.append(GGUFBuilder.tensor("rope_freqs.weight", [2], first: 1))
        let file = try open(builder)
        #expect(file.configuration.ropeScaling == .divisors([1, 2]))
        #expect(!file.tensors.contains { $0.name.contains("rope") })
        builder.set("llama.rope.scaling.factor", .float32(3))
        #expect(try open(builder).configuration.ropeScaling == .divisors([3, 6]))
    }

    @Test(arguments: ["llama3-scaled", "qwen2-untied", "qwen3"])
    func `what the gguf package wrote holds what transformers wrote`(name: String) throws {
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/models")
        let packed = try GGUFFile(path: fixtures.appending(path: "gguf/\(name).gguf").path)
        let plain = try SafetensorsFolder(path: fixtures.appending(path: name).path)
        #expect(packed.tensors == plain.tensors)
        for tensor in plain.tensors {
            #expect(try floats(packed, tensor.name) == floats(plain, tensor.name))
        }
        var configuration = packed.configuration
        if case .divisors(let divisors) = configuration.ropeScaling {
            // A pair that stays, one that is blended, two that are divided.
            #expect(divisors.count == 4 && divisors[0] == 1 && divisors[3] == 4)
            configuration.ropeScaling = plain.configuration.ropeScaling
        }
        #expect(configuration == plain.configuration)
        #expect((configuration.ropeScaling != nil) == (name == "llama3-scaled"))
    }

    private func expect(
        _ expected: CheckpointError,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ builder: GGUFBuilder
    ) {
        #expect(throws: expected, sourceLocation: sourceLocation) { try open(builder) }
    }

    private func tensor(
        _ name: String,
        _ problem: CheckpointError.TensorProblem
    ) -> CheckpointError {
        .invalidTensor(path: folder.path("model.gguf"), tensor: name, problem: problem)
    }

    @Test func `divisors that are none are refused`() {
        func with(_ freqs: GGUFBuilder.Tensor) -> GGUFBuilder {
            var builder = GGUFBuilder.model()
            builder.tensors.append(freqs)
            return builder
        }
        let name = "rope_freqs.weight"
        expect(
            tensor(name, .shapeMismatch(actual: [3], expected: "[2]")),
            with(GGUFBuilder.tensor(name, [3], first: 1)))
        expect(
            tensor(
                name,
                .shapeMismatch(actual: [1, 2], expected: "half of a head's channels")),
            with(GGUFBuilder.tensor(name, [2, 1], first: 1)))
        let noDivisor = CheckpointError.TensorProblem.invalidEntry(
            "a value is no divisor of a frequency")
        expect(tensor(name, noDivisor), with(GGUFBuilder.tensor(name, [2])))
        expect(tensor(name, noDivisor), with(GGUFBuilder.tensor(name, [2], first: -2)))
        for value in [Float.nan, .infinity] {
            var freqs = GGUFBuilder.tensor(name, [2], first: 1)
            freqs.data.replaceSubrange(4..<8, with: value.bitPattern.fileBytes)
            expect(tensor(name, .notFinite(index: 1)), with(freqs))
        }
        var half = GGUFBuilder.tensor(name, [2], first: 1)
        half.type = 1
        half.data = [0, 0x3C, 0, 0x3C]
        expect(tensor(name, .unsupportedType("F16")), with(half))
    }

    @Test func `tensors of another architecture are refused by name`() {
        for (architecture, name) in [
            ("llama", "blk.0.attn_q_norm.weight"), ("qwen2", "blk.0.attn_q_norm.weight"),
            ("qwen3", "blk.0.attn_q.bias"), ("qwen2", "blk.0.attn_output.bias"),
            ("qwen3", "blk.0.ffn_gate_exps.weight"),
        ] {
            var builder = GGUFBuilder.model(of: architecture)
            builder.tensors.append(GGUFBuilder.tensor(name, [4]))
            expect(tensor(name, .unexpectedName), builder)
        }
        var builder = GGUFBuilder.model(of: "qwen2")
        builder.tensors.append(GGUFBuilder.tensor("rope_freqs.weight", [2], first: 1))
        expect(tensor("rope_freqs.weight", .unexpectedName), builder)
    }

    @Test func `biases of other rows than the heads' are refused by name`() {
        var builder = GGUFBuilder.model()
        builder.tensors.append(GGUFBuilder.tensor("blk.0.attn_q.bias", [6]))
        expect(
            tensor("blk.0.attn_q.bias", .shapeMismatch(actual: [6], expected: "[8]")), builder)
        builder.tensors.removeLast()
        builder.tensors.append(GGUFBuilder.tensor("blk.0.attn_k.bias", [4, 1]))
        expect(
            tensor("blk.0.attn_k.bias", .shapeMismatch(actual: [1, 4], expected: "[4]")), builder)
    }

    @Test func `a bias in blocks is refused, for a block would span rows`() {
        var builder = GGUFBuilder.model()
        builder.set("llama.attention.key_length", .uint32(32))
        builder.tensors = [
            builder.tensors[0],
            .init(
                name: "blk.0.attn_k.bias", extents: [32], type: 8,
                data: [UInt8](repeating: 0, count: 34)),
        ]
        expect(tensor("blk.0.attn_k.bias", .unsupportedType("Q8_0")), builder)
    }

    @Test(arguments: ["llama", "qwen2", "qwen3"])
    func `experts and factors below 1 are refused by name`(architecture: String) {
        var builder = GGUFBuilder.model(of: architecture)
        builder.set(architecture + ".expert_count", .uint32(8))
        expect(
            .unsupportedSetting(
                path: folder.path("model.gguf"), key: architecture + ".expert_count", value: "8",
                supported: "0"),
            builder)
        builder.remove(architecture + ".expert_count")
        for value: Float in [0.5, -1, .infinity] {
            let key = architecture + ".rope.scaling.factor"
            builder.set(key, .float32(value))
            expect(
                .invalidKey(
                    path: folder.path("model.gguf"), key: key,
                    problem: .outOfRange(
                        value: "\(Double(value))", expected: "at least 1 and at most 1048576.0")),
                builder)
        }
    }
}
