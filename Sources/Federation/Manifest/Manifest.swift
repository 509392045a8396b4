public import Cryptography

/// The signed settings that must be equal on every node of a federation.
///
/// Its digest is the federation's id. A manifest that exists is valid: the initialiser and the
/// decoder check every range.
public struct Manifest: Hashable, Sendable {
    /// How the trained adapter is shaped and started.
    public struct AdapterSettings: Hashable, Sendable {
        /// The rank of each low-rank pair, 1...1024: the one that travels, whatever a member
        /// trains.
        public var rank: Int
        /// The numerator of the scale; positive.
        public var alpha: Double
        /// The adapted projections, unique, in ascending order of their UTF-8 bytes, 1...16.
        public var targets: [String]
        /// Whether the scale is alpha over the square root of the rank.
        public var usesRankStabilization: Bool
        /// The seed from which every node draws the same first adapter.
        public var initializationSeed: UInt64

        /// Takes the settings; ranges are checked by the manifest.
        public init(
            rank: Int, alpha: Double, targets: [String], usesRankStabilization: Bool = false,
            initializationSeed: UInt64
        ) {
            self.rank = rank
            self.alpha = alpha
            self.targets = targets
            self.usesRankStabilization = usesRankStabilization
            self.initializationSeed = initializationSeed
        }
    }

    /// How each member trains between two aggregates.
    public struct TrainingSettings: Hashable, Sendable {
        /// The number of certified rounds after which the run is over, 1...1,000,000.
        public var roundCount: Int
        /// Optimizer steps per round and member, 1...100,000.
        public var localStepCount: Int
        /// Sequences per step, 1...4096.
        public var batchSize: Int
        /// Tokens per sequence, 1...131,072.
        public var sequenceLength: Int
        /// The peak learning rate, above 0 and at most 1.
        public var learningRate: Double
        /// Steps of warm-up over the whole run, 0...1,000,000.
        public var warmupStepCount: Int
        /// Decoupled weight decay, 0...1.
        public var weightDecay: Double

        /// Takes the settings; ranges are checked by the manifest.
        public init(
            roundCount: Int, localStepCount: Int, batchSize: Int, sequenceLength: Int,
            learningRate: Double, warmupStepCount: Int = 0, weightDecay: Double = 0
        ) {
            self.roundCount = roundCount
            self.localStepCount = localStepCount
            self.batchSize = batchSize
            self.sequenceLength = sequenceLength
            self.learningRate = learningRate
            self.warmupStepCount = warmupStepCount
            self.weightDecay = weightDecay
        }
    }

    /// How deltas become integers of the ring of 2^32.
    public struct RingSettings: Hashable, Sendable {
        /// Bits after the binary point, 8...24; 22 leaves room for 64 members with a clip of 1.
        public var fractionBitCount: Int
        /// Each element of a delta is clipped to this magnitude; above 0.
        public var clipMagnitude: Double
        /// The weight W that counts as one: a power of two, at least the examples of a full
        /// round, so that no weight is cut.
        public var weightUnit: Int

        /// Takes the settings; ranges are checked by the manifest.
        public init(fractionBitCount: Int = 22, clipMagnitude: Double = 1, weightUnit: Int) {
            self.fractionBitCount = fractionBitCount
            self.clipMagnitude = clipMagnitude
            self.weightUnit = weightUnit
        }
    }

    /// When membership counts and what a round needs.
    public struct MembershipSettings: Hashable, Sendable {
        /// Members that must be in before the first round, 1...64.
        public var startMemberCount: Int
        /// The least number of participants and signers of a round, 1...startMemberCount.
        public var quorumMinimum: Int
        /// After this many rounds of silence in a row a member leaves, 1...1000.
        ///
        /// Three: one may be a restart, two a slow link, three is a node that is gone.
        public var absentRoundCountMax: Int

        /// Takes the settings; ranges are checked by the manifest.
        public init(startMemberCount: Int, quorumMinimum: Int, absentRoundCountMax: Int = 3) {
            self.startMemberCount = startMemberCount
            self.quorumMinimum = quorumMinimum
            self.absentRoundCountMax = absentRoundCountMax
        }
    }

    /// The version of the layout without aggregation settings.
    static let firstVersion: UInt16 = 1
    /// The version of the layout with aggregation settings and without exchange settings.
    static let aggregationVersion: UInt16 = 2
    /// The version of the layout with exchange settings and without secure ones.
    static let exchangeVersion: UInt16 = 3
    /// The version of the layout with secure settings and without a rule against liars.
    static let secureVersion: UInt16 = 4
    /// The version of the layout with a rule against liars and without issuers.
    static let robustnessVersion: UInt16 = 5
    /// The newest version of the layout that this code writes and reads.
    public static let currentVersion: UInt16 = 6
    /// The most members a federation can have in one group.
    public static let memberCountMax = 64

    /// The federation's name, 1...64 bytes of UTF-8.
    public let name: String
    /// The digest of the base model's record.
    public let baseModelDigest: Digest
    /// The base model's name, 1...256 bytes of UTF-8.
    public let baseModelName: String
    /// The digest of the tokenizer definition.
    public let tokenizerDigest: Digest
    /// The object id of the first adapter, which every node draws or fetches.
    public let initialAdapterDigest: ObjectID
    /// How the adapter is shaped.
    public let adapter: AdapterSettings
    /// How members train.
    public let training: TrainingSettings
    /// How deltas become integers.
    public let ring: RingSettings
    /// The greatest L2 norm of a whole delta; above 0.
    public let normBound: Double
    /// Who counts when.
    public let membership: MembershipSettings
    /// The most bytes of one update object, 1...2^32.
    public let updateByteCountMax: Int
    /// The first member, whose signature the manifest carries.
    public let author: PublicKey
    /// When it was made, in seconds since 1970.
    public let createdAtSeconds: UInt64
    /// How updates become the next adapter.
    public let aggregation: AggregationSettings
    /// The READ adapter beside LoRA's; `nil` where all members train LoRA.
    public let read: READSettings?
    /// How members come together.
    public let exchange: ExchangeSettings
    /// How rounds hide updates; `nil` where every member sees them.
    public internal(set) var secure: SecureSettings?
    /// Who may take part; `nil` for whoever has the manifest.
    public let admission: AdmissionSettings?

    /// Checks every range.
    ///
    /// - Throws: `ManifestError.outOfRange`, which names the field.
    public init(
        name: String, baseModelDigest: Digest, baseModelName: String, tokenizerDigest: Digest,
        initialAdapterDigest: ObjectID, adapter: AdapterSettings, training: TrainingSettings,
        ring: RingSettings, normBound: Double, membership: MembershipSettings,
        updateByteCountMax: Int, author: PublicKey, createdAtSeconds: UInt64,
        aggregation: AggregationSettings = .factorMean, read: READSettings? = nil,
        exchange: ExchangeSettings = .group, secure: SecureSettings? = nil,
        admission: AdmissionSettings? = nil
    ) throws(ManifestError) {
        self.name = name
        self.baseModelDigest = baseModelDigest
        self.baseModelName = baseModelName
        self.tokenizerDigest = tokenizerDigest
        self.initialAdapterDigest = initialAdapterDigest
        self.adapter = adapter
        self.training = training
        self.ring = ring
        self.normBound = normBound
        self.membership = membership
        self.updateByteCountMax = updateByteCountMax
        self.author = author
        self.createdAtSeconds = createdAtSeconds
        self.aggregation = aggregation
        self.read = read
        self.exchange = exchange
        self.secure = secure
        self.admission = admission
        try checkRanges()
    }

    /// The version of its layout: the lowest that can say what it says.
    public var version: UInt16 {
        if admission != nil { return Self.currentVersion }
        if aggregation.robustness != nil { return Self.robustnessVersion }
        if secure != nil { return Self.secureVersion }
        return exchange == .group ? Self.version(aggregation, read) : Self.exchangeVersion
    }

    /// Whether members send parts of the adapter, and in the manifest's own wire form; under a
    /// manifest of version 1 everyone sends all of it.
    public var allowsParts: Bool { version != Self.firstVersion }

    /// The digest of the canonical bytes: the federation's id.
    public var digest: Digest { Hashing.blake2b256(canonicalBytes) }
}
