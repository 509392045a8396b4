import Cryptography
import Tensors

@testable import Federation

/// Keys, a manifest and a layout for tests.
enum Fixtures {
    static func key(_ number: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: number, count: 32)) else {
            preconditionFailure("32 bytes make a key")
        }
        return key
    }

    static func digest(_ text: String) -> Digest { Hashing.blake2b256(Array(text.utf8)) }

    static let adapter = NamedTensors([
        .init(
            name: "a", tensor: FloatTensor(shape: Shape([2, 3]), values: [1, 2, 3, 4, 5, 6])),
        .init(name: "b", tensor: FloatTensor(zeros: Shape([4]))),
    ])

    static let layout = AdapterLayout(of: adapter)
    static let adapterDigest = AdapterStateCodec.digest(of: adapter)

    static func manifest(
        name: String = "test", rounds: Int = 3, members: Int = 3, quorum: Int = 2,
        rank: Int = 8, normBound: Double = 1, weightUnit: Int = 64,
        targets: [String] = ["k_proj", "q_proj"], clip: Double = 1, author: SigningKey = key(1)
    ) throws -> Manifest {
        try Manifest(
            name: name, baseModelDigest: digest("base"), baseModelName: "stub",
            tokenizerDigest: digest("tokenizer"), initialAdapterDigest: adapterDigest,
            adapter: .init(rank: rank, alpha: 16, targets: targets, initializationSeed: 7),
            training: .init(
                roundCount: rounds, localStepCount: 4, batchSize: 2, sequenceLength: 16,
                learningRate: 1e-3, warmupStepCount: 2, weightDecay: 0.01),
            ring: .init(clipMagnitude: clip, weightUnit: weightUnit), normBound: normBound,
            membership: .init(startMemberCount: members, quorumMinimum: quorum),
            updateByteCountMax: layout.updateByteCount, author: author.publicKey,
            createdAtSeconds: 1_700_000_000)
    }

    static func signedManifest(
        rounds: Int = 3, members: Int = 3, quorum: Int = 2
    ) throws -> SignedManifest {
        try SignedManifest(
            signing: manifest(rounds: rounds, members: members, quorum: quorum), with: key(1))
    }

    /// A delta whose elements all have that value.
    static func delta(_ value: Float) -> NamedTensors {
        NamedTensors(
            layout.entries.map { entry in
                .init(
                    name: entry.name,
                    tensor: FloatTensor(
                        shape: entry.shape,
                        values: [Float](repeating: value, count: entry.shape.elementCount)))
            })
    }
}

/// A generator for tests: SplitMix64.
struct TestGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
