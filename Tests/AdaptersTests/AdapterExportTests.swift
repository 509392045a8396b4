import Adapters
import Checkpoints
import Foundation
import Kernels
import Tensors
import Testing

/// Exports against a GGUF base of one layer whose projections have every type of 256 elements.
@Suite final class AdapterExportTests {
    private let folder: String
    private let basePath: String
    private let base: GGUFFile
    private let adapter: LoRAAdapter

    init() throws {
        folder = NSTemporaryDirectory() + "/exports-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        basePath = folder + "/base.gguf"
        try Self.writeBase(to: basePath)
        base = try GGUFFile(path: basePath)
        adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 2, alpha: 4), model: base.configuration,
            seed: 7)
        adapter.parameters = NamedTensors(
            adapter.parameters.elements.enumerated().map { place, element in
                let values = element.tensor.values.indices.map { index in
                    Float((index * 7 + place * 3) % 11 - 5) * 0.05
                }
                return .init(
                    name: element.name,
                    tensor: FloatTensor(shape: element.tensor.shape, values: values))
            })
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    private static let kinds: [(name: String, rows: Int, type: ElementType)] = [
        ("token_embd", 4, .q8_0), ("blk.0.attn_q", 256, .q4_K), ("blk.0.attn_k", 128, .q5_K),
        ("blk.0.attn_v", 128, .q6_K), ("blk.0.attn_output", 256, .q4_0),
        ("blk.0.ffn_gate", 256, .q5_0), ("blk.0.ffn_up", 256, .q5_1),
        ("blk.0.ffn_down", 256, .q4_1), ("blk.0.attn_norm", 1, .float32),
        ("blk.0.ffn_norm", 1, .float32), ("output_norm", 1, .float32),
    ]

    private static func writeBase(to path: String) throws {
        let integers: [(String, UInt32)] = [
            ("block_count", 1), ("context_length", 32), ("embedding_length", 256),
            ("feed_forward_length", 256), ("attention.head_count", 4),
            ("attention.head_count_kv", 2),
        ]
        let fields =
            [GGUFField("general.architecture", .string("llama"))]
            + integers.map { GGUFField("llama.\($0.0)", .uint32($0.1)) }
            + [
                GGUFField("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
                GGUFField("tokenizer.ggml.model", .string("gpt2")),
                GGUFField(
                    "tokenizer.ggml.tokens",
                    .array(.string, ["a", "b", "c", "d"].map { .string($0) })),
            ]
        let tensors = kinds.map { kind in
            let shape = kind.rows == 1 ? Shape([256]) : Shape([kind.rows, 256])
            return TensorDescription(
                name: kind.name + ".weight", shape: shape, elementType: kind.type,
                byteCount: kind.type.byteCount(of: shape) ?? 0)
        }
        var writer = try GGUFWriter(path: path, fields: fields, tensors: tensors)
        for (place, kind) in kinds.enumerated() {
            let buffer = FloatBuffer(count: kind.rows * 256)
            let matrix = buffer.take(rows: kind.rows, columns: 256)
            matrix.copy(
                from: (0..<kind.rows * 256).map { Float(sin(Double($0 * $0 % 997 + place))) / 4 })
            let bytes = Quantizer.convert(matrix, elementType: kind.type)
            try unsafe bytes.withUnsafeBytes { try unsafe writer.append($0) }
        }
        try writer.commit()
    }

    private func values(_ source: some TensorSource, _ name: String) throws -> [Float] {
        let tensor = try #require(source.tensors.first { $0.name == name })
        let bytes = try unsafe source.withBytes(of: name) { unsafe [UInt8]($0) }
        return ReferenceDequantizer.convert(bytes, elementType: tensor.elementType)
    }

    @Test func `a merged GGUF file has the base's types and is close to the exact sum`() throws {
        let path = folder + "/merged.gguf"
        try AdapterExport.writeGGUF(adapter, mergedInto: base, basePath: basePath, to: path)
        let merged = try GGUFFile(path: path)
        #expect(merged.configuration == base.configuration && merged.tensors == base.tensors)
        let exact = MergedTensorSource(base: base, adapter: adapter)
        for tensor in base.tensors {
            let found = try values(merged, tensor.name)
            let before = try values(base, tensor.name)
            guard exact.changedNames.contains(tensor.name) else {
                #expect(found == before)
                continue
            }
            let wanted = try values(exact, tensor.name)
            func distance(_ other: [Float]) -> Float {
                let sum = zip(other, wanted).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                return (sum / Float(wanted.count)).squareRoot()
            }
            // A range of 0.8 in 15 steps, errors uniform within one: 0.8 / 15 / sqrt(12).
            #expect(distance(found) < 0.016, "\(tensor.name)")
            #expect(distance(found) * 3 < distance(before), "\(tensor.name)")
        }
    }

    @Test func `changed tensors of a merged GGUF file may have another type`() throws {
        let path = folder + "/merged.gguf"
        try AdapterExport.writeGGUF(
            adapter, mergedInto: base, basePath: basePath, elementType: .float16, to: path)
        let merged = try GGUFFile(path: path)
        let exact = MergedTensorSource(base: base, adapter: adapter)
        for tensor in merged.tensors {
            let isChanged = exact.changedNames.contains(tensor.name)
            #expect((tensor.elementType == .float16) == isChanged)
            let pairs = zip(try values(merged, tensor.name), try values(exact, tensor.name))
            #expect(pairs.allSatisfy { abs($0 - $1) <= (isChanged ? 0x1p-11 * abs($1) + 1e-7 : 0) })
        }
    }

    @Test func `a merged folder holds the exact sum`() throws {
        let path = folder + "/merged"
        let files = try ModelFolderFiles(
            configuration: base.configuration, bosID: nil, eosID: 0, path: basePath)
        try AdapterExport.writeFolder(
            adapter, mergedInto: base, encoding: .uniform(.float32), files: files, to: path)
        try Data("{}".utf8).write(to: URL(filePath: path + "/tokenizer.json"))
        let merged = try SafetensorsFolder(path: path)
        #expect(merged.configuration == base.configuration)
        let exact = MergedTensorSource(
            base: base, adapter: adapter, encoding: .uniform(.float32))
        for tensor in exact.tensors {
            #expect(try values(merged, tensor.name) == values(exact, tensor.name))
        }
        #expect(throws: CheckpointError.self) {
            try AdapterExport.writeFolder(
                adapter, mergedInto: base, encoding: .original, files: files, to: path + "2")
        }
    }

    @Test func `a GGUF adapter names the tensors of its base`() throws {
        let path = folder + "/adapter.gguf"
        try AdapterExport.writeGGUF(adapter, name: "Adapter", to: path)
        let (written, model) = (
            try GGUFContents(path: path), try GGUFContents(path: basePath)
        )
        #expect(written.tensors.count == 14)
        for tensor in written.tensors {
            let name = String(tensor.name.dropLast(".lora_a".count))
            let weight = try #require(model.tensors.first { $0.name == name })
            let isDown = tensor.name.hasSuffix(".lora_a")
            #expect(
                tensor.shape.extents
                    == (isDown ? [2, weight.shape.extents[1]] : [weight.shape.extents[0], 2]))
        }
        #expect(throws: CheckpointError.self) {
            try AdapterExport.writeGGUF(adapter, name: nil, to: basePath)
        }
    }
}
