public import Cryptography
internal import Tensors

/// What a node brings to secure rounds beside the manifest.
public struct SecureRoundSetup: Sendable {
    /// The layout of the adapter.
    public let layout: AdapterLayout
    /// The network key of a closed federation; `nil` in a public one.
    public let networkKey: SecretBytes?
    /// Seconds since 1970 at the time zero of the instance's clock.
    public let zeroSeconds: UInt64
    /// The deadlines; those that depend on links and training are raised to what is measured.
    public let timing: SecureTiming
    /// Where the secrets of a round come from.
    let makeSecrets: @Sendable (_ round: UInt64) -> RoundSecrets

    /// Takes fresh secrets from the system's randomness in each round.
    public init(
        layout: AdapterLayout, networkKey: SecretBytes? = nil, zeroSeconds: UInt64,
        timing: SecureTiming = SecureTiming()
    ) {
        self.init(
            layout: layout, networkKey: networkKey, zeroSeconds: zeroSeconds, timing: timing
        ) { _ in .fresh() }
    }

    /// Takes secrets from elsewhere: a simulation replays them.
    package init(
        layout: AdapterLayout, networkKey: SecretBytes? = nil, zeroSeconds: UInt64,
        timing: SecureTiming, makeSecrets: @escaping @Sendable (_ round: UInt64) -> RoundSecrets
    ) {
        self.layout = layout
        self.networkKey = networkKey
        self.zeroSeconds = zeroSeconds
        self.timing = timing
        self.makeSecrets = makeSecrets
    }

    /// The layout's digest: BLAKE2b-256 over `"starling/layout/1\0"`, the count, and of each
    /// tensor name, rank and extents.
    var schemaDigest: Digest {
        var writer = CanonicalWriter(domain: "starling/layout/1")
        writer.write(count: layout.entries.count)
        for entry in layout.entries {
            writer.write(entry.name)
            writer.write(count: entry.shape.extents.count)
            for extent in entry.shape.extents { writer.write(count: extent) }
        }
        return Hashing.blake2b256(writer.bytes)
    }
}

/// A sum to make the next adapter of.
public struct SumOrder: Hashable, Sendable {
    /// The height that is being decided.
    public let height: UInt64
    /// The round.
    public let round: UInt64
    /// The adapter to which the mean is added.
    public let baseAdapterDigest: ObjectID
    /// The opened sum.
    public let sum: SecureSum
    /// What it was opened from, an object to store for auditors; ``SecureTranscript`` reads it.
    public let transcript: [UInt8]?
}

/// A trained update as a secure round takes it.
public struct SecureContribution: Hashable, Sendable {
    /// The adapter that training started from.
    public let baseAdapterDigest: ObjectID
    /// One ring word for each element of ``SecureVectorLayout``.
    public let words: [UInt32]
    /// The examples that training saw, 1...W.
    public let weight: Int

    /// Takes the fields.
    public init(baseAdapterDigest: ObjectID, words: [UInt32], weight: Int) {
        self.baseAdapterDigest = baseAdapterDigest
        self.words = words
        self.weight = weight
    }
}
