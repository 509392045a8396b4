import Checkpoints
import Cryptography
import Federation
import Tensors
import Testing

@testable import NodeServices

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

    /// The plain record with other settings.
    private static func record(
        _ change: (inout ModelConfiguration) -> Void
    ) -> ModelRecord {
        var configuration = record.configuration
        change(&configuration)
        return ModelRecord(
            configuration: configuration, tokenizerID: record.tokenizerID, shards: record.shards
        )
    }

    /// One record for everything that a family member may have beside a plain Llama's parts.
    private static let familyRecords = [
        record { $0.ropeScaling = .linear(factor: 4) },
        record {
            $0.ropeScaling = .llama3(
                factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4,
                originalPositionCount: 8_192)
        },
        record { $0.ropeScaling = .divisors([1, 8]) },
        record { ($0.modelType, $0.slidingWindow) = ("mistral", 7) },
        record { ($0.modelType, $0.hasAttentionBiases) = ("qwen2", true) },
        record { ($0.modelType, $0.normalizesQueriesAndKeys) = ("qwen3", true) },
        record {
            $0.ropeScaling = .divisors([2, 3])
            $0.slidingWindow = 1
            $0.hasAttentionBiases = true
            $0.normalizesQueriesAndKeys = true
        },
    ]

    @Test func `what the family differs in reads back, each under its own address`() throws {
        let all = [Self.record] + Self.familyRecords
        for record in all {
            let read = try ModelRecord(canonicalBytes: record.canonicalBytes)
            #expect(read == record)
            #expect(read.canonicalBytes == record.canonicalBytes)
        }
        #expect(Set(all.map { Hashing.blake2b256($0.canonicalBytes) }).count == all.count)
    }

    @Test func `a plain Llama keeps its old address`() {
        #expect(Self.record.canonicalBytes.starts(with: Array("starling/model/1\0".utf8)))
        #expect(
            Hashing.blake2b256(Self.record.canonicalBytes).hexadecimal
                == "0f3d465e3136ae05b3ef3ba2c402beb3d76a3db7f13fc4cc0f64a09f9bb0909e")
    }

    @Test func `a plain Llama in the layout of the family is refused, and so are unknown layouts`()
    {
        let bytes = Self.record.canonicalBytes
        let head = Array("starling/model/1\0".utf8).count
        // After the model type, eight extents, two floats and a byte.
        let end = head + 4 + "llama".utf8.count + 8 * 4 + 2 * 4 + 1
        let family =
            Array("starling/model/2\0".utf8) + bytes[head..<end] + [UInt8](repeating: 0, count: 7)
            + bytes[end...]
        #expect(throws: CanonicalError.malformed(offset: end + 7)) {
            try ModelRecord(canonicalBytes: family)
        }
        #expect(throws: CanonicalError.wrongDomain) {
            try ModelRecord(
                canonicalBytes: Array("starling/model/3\0".utf8) + bytes.dropFirst(head))
        }
    }

    @Test(arguments: [
        record { $0.headDimension = 0 }, record { $0.keyValueHeadCount = 0 },
        record { $0.layerCount = 1 << 20 }, record { $0.hiddenSize = 1 << 30 },
        record { $0.rmsNormEpsilon = .nan }, record { $0.slidingWindow = 1 << 30 },
        record { $0.ropeScaling = .linear(factor: 0.5) },
        record { $0.ropeScaling = .divisors([1, 2, 3]) },
    ])
    func `extents of no model are refused`(record: ModelRecord) {
        #expect(throws: CanonicalError.self) {
            try ModelRecord(canonicalBytes: record.canonicalBytes)
        }
    }

    @Test func `every cut is refused`() {
        for record in [Self.record] + Self.familyRecords {
            let bytes = record.canonicalBytes
            for count in bytes.indices {
                #expect(throws: CanonicalError.self) {
                    try ModelRecord(canonicalBytes: Array(bytes.prefix(count)))
                }
            }
        }
        let bytes = Self.record.canonicalBytes
        #expect(throws: CanonicalError.trailingBytes(count: 1)) {
            try ModelRecord(canonicalBytes: bytes + [0])
        }
    }

    @Test func `changed bytes give an error or other canonical bytes, never a crash`() {
        var state: UInt64 = 7
        for turn in 0..<8000 {
            let bytes = ([Self.record] + Self.familyRecords)[turn % 8].canonicalBytes
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var changed = bytes
            changed[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
            guard let read = try? ModelRecord(canonicalBytes: changed) else { continue }
            #expect(read.canonicalBytes == changed)
        }
    }
}
