import Checkpoints
import Foundation
import Models
import Tensors

/// A checkpoint in memory whose tensors have a type each.
struct EncodedTensorSource: TensorSource {
    private struct Entry {
        let shape: Shape
        let type: ElementType
        let bytes: [UInt8]
    }

    let configuration: ModelConfiguration
    private let entries: [String: Entry]

    /// What the tensors hold after encoding, as Float32.
    let decoded: MemoryTensorSource

    /// Encodes with a type for each name; rows of Q8_0 are whole blocks.
    init(_ source: MemoryTensorSource, type: (String) -> ElementType) {
        configuration = source.configuration
        var decoded = source
        var entries: [String: Entry] = [:]
        for (name, tensor) in source.values {
            let (bytes, values) = Self.encode(tensor.values, as: type(name))
            decoded.values[name] = FloatTensor(shape: tensor.shape, values: values)
            entries[name] = Entry(shape: tensor.shape, type: type(name), bytes: bytes)
        }
        self.decoded = decoded
        self.entries = entries
    }

    var tensors: [TensorDescription] {
        entries.sorted { $0.key < $1.key }.map { name, entry in
            TensorDescription(
                name: name, shape: entry.shape, elementType: entry.type,
                byteCount: entry.bytes.count)
        }
    }

    func withBytes<Result>(
        of name: String,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let entry = entries[name] else { throw MemoryTensorSource.Failure.unknownTensor }
        return try unsafe entry.bytes.withUnsafeBytes(body)
    }

    private static func encode(
        _ values: [Float],
        as type: ElementType
    ) -> (bytes: [UInt8], values: [Float]) {
        switch type {
        case .float16:
            let halves = values.map { Float16($0) }
            return (halves.flatMap { bytes(of: $0.bitPattern) }, halves.map { Float($0) })
        case .bfloat16:
            let halves = values.map { UInt16($0.bitPattern >> 16) }
            return (
                halves.flatMap { bytes(of: $0) },
                halves.map { Float(bitPattern: UInt32($0) << 16) }
            )
        case .q8_0:
            return stride(from: 0, to: values.count, by: 32).reduce(into: ([], [])) {
                let block = values[$1..<$1 + 32]
                let scale = Float16((block.map(abs).max() ?? 0) / 127)
                let steps = block.map { Int8(max(-127, min(127, ($0 / Float(scale)).rounded()))) }
                $0.0 += bytes(of: scale.bitPattern) + steps.map { UInt8(bitPattern: $0) }
                $0.1 += steps.map { Float($0) * Float(scale) }
            }
        default:
            precondition(type == .float32, "no encoder for \(type)")
            return (
                values.flatMap {
                    bytes(of: UInt16(truncatingIfNeeded: $0.bitPattern))
                        + bytes(of: UInt16($0.bitPattern >> 16))
                }, values
            )
        }
    }

    private static func bytes(of half: UInt16) -> [UInt8] {
        [UInt8(half & 255), UInt8(half >> 8)]
    }
}

extension EncodedTensorSource {
    /// A model with another type for each projection of a site, as files of mixed precision have.
    static func mixed(slidingWindow: Int? = nil) -> EncodedTensorSource {
        let configuration = ModelConfiguration(
            modelType: slidingWindow == nil ? "llama" : "mistral",
            hiddenSize: 32,
            intermediateSize: 64,
            layerCount: 3,
            attentionHeadCount: 4,
            keyValueHeadCount: 2,
            headDimension: 8,
            vocabularySize: 64,
            positionCountMax: 512,
            rmsNormEpsilon: 1e-5,
            ropeTheta: 10_000,
            tiesWordEmbeddings: true,
            slidingWindow: slidingWindow
        )
        let types: [(part: String, type: ElementType)] = [
            ("norm", .float32), ("q_proj", .q8_0), ("k_proj", .float16), ("v_proj", .bfloat16),
            ("o_proj", .q8_0), ("gate_proj", .float32), ("up_proj", .q8_0), ("embed", .float16),
        ]
        return EncodedTensorSource(.closedForm(configuration)) { name in
            types.first { name.contains($0.part) }?.type ?? .bfloat16
        }
    }
}
