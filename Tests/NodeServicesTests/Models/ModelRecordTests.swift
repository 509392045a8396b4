import Checkpoints
import Cryptography
import Federation
import NodeServices
import Tensors
import Testing

@Suite struct ModelRecordTests {
    private static let record = ModelRecord(
        configuration: ModelConfiguration(
            modelType: "llama", hiddenSize: 16, intermediateSize: 32, layerCount: 2,
            attentionHeadCount: 4, keyValueHeadCount: 2, headDimension: 4, vocabularySize: 64,
            positionCountMax: 128, rmsNormEpsilon: 1e-5, ropeTheta: 10_000,
            tiesWordEmbeddings: true
        ),
        tokenizerID: Hashing.blake2b256([1]),
        shards: ["model.norm.weight", "model.embed_tokens.weight"].map { name in
            let shape = name.hasSuffix("norm.weight") ? Shape([16]) : Shape([64, 32])
            return ModelRecord.Shard(
                tensor: TensorDescription(
                    name: name, shape: shape, elementType: .float32,
                    byteCount: 4 * shape.elementCount
                ),
                id: Hashing.blake2b256(Array(name.utf8))
            )
        }
    )

    @Test func `canonical bytes read back, with the shards in order`() throws {
        let bytes = Self.record.canonicalBytes
        let read = try ModelRecord(canonicalBytes: bytes)
        #expect(read == Self.record)
        #expect(read.canonicalBytes == bytes)
        #expect(
            read.shards.map(\.tensor.name) == ["model.embed_tokens.weight", "model.norm.weight"])
    }

    @Test func `every cut is refused`() {
        let bytes = Self.record.canonicalBytes
        for count in bytes.indices {
            #expect(throws: CanonicalError.self) {
                try ModelRecord(canonicalBytes: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: CanonicalError.trailingBytes(count: 1)) {
            try ModelRecord(canonicalBytes: bytes + [0])
        }
    }

    @Test func `changed bytes give an error or other canonical bytes, never a crash`() {
        let bytes = Self.record.canonicalBytes
        var state: UInt64 = 7
        for _ in 0..<4000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var changed = bytes
            changed[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
            guard let read = try? ModelRecord(canonicalBytes: changed) else { continue }
            #expect(read.canonicalBytes == changed)
        }
    }
}
