import Adapters
import Checkpoints
import Kernels
import Models
import Tensors
import Testing

@Suite struct MergedEncodingTests {
    private let source = MemoryTensorSource.closedForm(MemoryTensorSource.smallConfiguration())
    private let adapter: LoRAAdapter

    init() {
        adapter = LoRAAdapter(
            configuration: LoRAConfiguration(rank: 2, alpha: 4, targets: [.query, .down]),
            model: source.configuration, seed: 7)
        adapter.parameters = NamedTensors(
            adapter.parameters.elements.map { element in
                var tensor = element.tensor
                for index in tensor.values.indices {
                    tensor.values[index] = Float(index % 7 - 3) * 0.02
                }
                return .init(name: element.name, tensor: tensor)
            })
    }

    private func values(
        _ source: some TensorSource, _ name: String
    ) throws -> (ElementType, [Float]) {
        let description = try #require(source.tensors.first { $0.name == name })
        let bytes = try unsafe source.withBytes(of: name) { unsafe [UInt8]($0) }
        #expect(bytes.count == description.byteCount)
        return (
            description.elementType,
            ReferenceDequantizer.convert(bytes, elementType: description.elementType)
        )
    }

    @Test(arguments: [ElementType.float32, .float16, .bfloat16])
    func `every tensor comes in a uniform type, rounded once`(type: ElementType) throws {
        let exact = MergedTensorSource(base: source, adapter: adapter)
        let merged = MergedTensorSource(
            base: source, adapter: adapter, encoding: .uniform(type))
        for tensor in merged.tensors {
            let (found, rounded) = try values(merged, tensor.name)
            let (_, full) = try values(exact, tensor.name)
            #expect(found == type)
            let step: Float = type == .float32 ? 0 : type == .float16 ? 0x1p-11 : 0x1p-8
            let isClose = zip(rounded, full).allSatisfy { abs($0 - $1) <= step * abs($1) + 1e-7 }
            #expect(isClose, "\(tensor.name)")
        }
    }

    @Test func `the original type is kept and what is not changed keeps its bytes`() throws {
        let base = QuantizedSource(base: source)
        let merged = MergedTensorSource(base: base, adapter: adapter, encoding: .original)
        #expect(merged.tensors == base.tensors)
        #expect(merged.changedNames.count == 4)
        for tensor in base.tensors {
            let before = try unsafe base.withBytes(of: tensor.name) { unsafe [UInt8]($0) }
            let after = try unsafe merged.withBytes(of: tensor.name) { unsafe [UInt8]($0) }
            #expect((before != after) == merged.changedNames.contains(tensor.name))
        }
        let name = "model.layers.0.mlp.down_proj.weight"
        let (_, quantized) = try values(merged, name)
        let (_, full) = try values(MergedTensorSource(base: base, adapter: adapter), name)
        // Half a step of 32 values below 0.3 in 8 bits, and the scale's own rounding.
        #expect(zip(quantized, full).allSatisfy { abs($0 - $1) < 0.002 })
    }

    @Test func `a merged value that its type can't hold is an error`() throws {
        let large = NamedTensors(
            adapter.parameters.elements.map { element in
                var tensor = element.tensor
                for index in tensor.values.indices { tensor.values[index] = 1000 }
                return .init(name: element.name, tensor: tensor)
            })
        adapter.parameters = large
        let merged = MergedTensorSource(
            base: source, adapter: adapter, encoding: .uniform(.float16))
        let name = "model.layers.0.mlp.down_proj.weight"
        #expect(throws: ModelError.nonFiniteTensor(name: name)) {
            try unsafe merged.withBytes(of: name) { $0.count }
        }
    }
}

/// A source whose projections with rows of whole blocks are Q8_0.
private struct QuantizedSource: TensorSource {
    let base: MemoryTensorSource

    var configuration: ModelConfiguration { base.configuration }

    var tensors: [TensorDescription] {
        base.tensors.map { tensor in
            guard tensor.shape.extents.count == 2,
                let byteCount = ElementType.q8_0.byteCount(of: tensor.shape)
            else { return tensor }
            return TensorDescription(
                name: tensor.name, shape: tensor.shape, elementType: .q8_0, byteCount: byteCount)
        }
    }

    func withBytes<Result>(
        of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        guard let tensor = tensors.first(where: { $0.name == name }),
            tensor.elementType == .q8_0, let values = base.values[name]
        else { return try unsafe base.withBytes(of: name, body) }
        let buffer = FloatBuffer(count: values.values.count)
        let matrix = buffer.take(rows: tensor.shape.extents[0], columns: tensor.shape.extents[1])
        matrix.copy(from: values.values)
        let bytes = Quantizer.convert(matrix, elementType: .q8_0)
        return try unsafe bytes.withUnsafeBytes(body)
    }
}
