/// Makes small GGUF files, right and wrong ones.
struct GGUFBuilder {
    enum Value {
        case uint32(UInt32)
        case int32(Int32)
        case uint64(UInt64)
        case float32(Float)
        case bool(UInt8)
        case string(String)
        case strings([String])
        case int32s([Int32])
        /// A type code and the bytes behind it.
        case raw(UInt32, [UInt8])

        var bytes: [UInt8] {
            switch self {
            case .uint32(let value): UInt32(4).fileBytes + value.fileBytes
            case .int32(let value): UInt32(5).fileBytes + value.fileBytes
            case .uint64(let value): UInt32(10).fileBytes + value.fileBytes
            case .float32(let value): UInt32(6).fileBytes + value.bitPattern.fileBytes
            case .bool(let value): UInt32(7).fileBytes + [value]
            case .string(let value): UInt32(8).fileBytes + GGUFBuilder.string(value)
            case .strings(let values):
                UInt32(9).fileBytes + UInt32(8).fileBytes + UInt64(values.count).fileBytes
                    + values.flatMap { GGUFBuilder.string($0) }
            case .int32s(let values):
                UInt32(9).fileBytes + UInt32(5).fileBytes + UInt64(values.count).fileBytes
                    + values.flatMap(\.fileBytes)
            case .raw(let type, let bytes): type.fileBytes + bytes
            }
        }
    }

    struct Tensor {
        var name: String
        /// Innermost first.
        var extents: [UInt64]
        var type: UInt32
        var data: [UInt8]
        /// Instead of the place where the data are put.
        var offset: UInt64?
    }

    var version: UInt32 = 3
    var alignment = 32
    var keys: [(String, Value)]
    var tensors: [Tensor]
    var keyCount: UInt64?
    var tensorCount: UInt64?

    static func string(_ text: String) -> [UInt8] {
        UInt64(text.utf8.count).fileBytes + Array(text.utf8)
    }

    /// A Llama model of one layer whose every element is its index within the tensor.
    static func model() -> GGUFBuilder {
        func tensor(_ name: String, _ extents: [UInt64]) -> Tensor {
            let count = Int(extents.reduce(1, *))
            return Tensor(
                name: name,
                extents: extents,
                type: 0,
                data: (0..<count).flatMap { Float($0).bitPattern.fileBytes },
                offset: nil
            )
        }
        return GGUFBuilder(
            keys: [
                ("general.architecture", .string("llama")), ("general.name", .string("Tiny")),
                ("llama.block_count", .uint32(1)), ("llama.context_length", .uint64(64)),
                ("llama.embedding_length", .uint32(8)),
                ("llama.feed_forward_length", .uint32(12)),
                ("llama.attention.head_count", .uint32(2)),
                ("llama.attention.head_count_kv", .uint32(1)),
                ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
                ("llama.rope.freq_base", .float32(5000)),
                ("tokenizer.ggml.model", .string("gpt2")),
                ("tokenizer.ggml.pre", .string("smollm")),
                ("tokenizer.ggml.tokens", .strings(["<e>", "a", "b", "ab", "c", "d"])),
                ("tokenizer.ggml.token_type", .int32s([3, 1, 1, 1, 1, 1])),
                ("tokenizer.ggml.merges", .strings(["a b"])),
                ("tokenizer.ggml.eos_token_id", .uint32(0)),
            ],
            tensors: [
                tensor("token_embd.weight", [8, 6]), tensor("output_norm.weight", [8]),
                tensor("blk.0.attn_norm.weight", [8]), tensor("blk.0.attn_q.weight", [8, 8]),
                tensor("blk.0.attn_k.weight", [8, 4]), tensor("blk.0.attn_v.weight", [8, 4]),
                tensor("blk.0.attn_output.weight", [8, 8]), tensor("blk.0.ffn_norm.weight", [8]),
                tensor("blk.0.ffn_gate.weight", [8, 12]), tensor("blk.0.ffn_up.weight", [8, 12]),
                tensor("blk.0.ffn_down.weight", [12, 8]),
            ]
        )
    }

    mutating func set(_ key: String, _ value: Value) {
        keys.removeAll { $0.0 == key }
        keys.append((key, value))
    }

    mutating func remove(_ key: String) {
        keys.removeAll { $0.0 == key }
    }

    func build() -> [UInt8] {
        var bytes: [UInt8] = Array("GGUF".utf8) + version.fileBytes
        bytes += (tensorCount ?? UInt64(tensors.count)).fileBytes
        bytes += (keyCount ?? UInt64(keys.count)).fileBytes
        for (key, value) in keys { bytes += Self.string(key) + value.bytes }
        var data: [UInt8] = []
        for tensor in tensors {
            bytes += Self.string(tensor.name) + UInt32(tensor.extents.count).fileBytes
            bytes += tensor.extents.flatMap(\.fileBytes) + tensor.type.fileBytes
            bytes += (tensor.offset ?? UInt64(data.count)).fileBytes
            data += tensor.data
            while data.count % alignment != 0 { data.append(0) }
        }
        while bytes.count % alignment != 0 { bytes.append(0) }
        return bytes + data
    }
}
