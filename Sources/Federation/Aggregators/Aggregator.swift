public import Cryptography
public import Tensors

/// A rule that makes one adapter of a base and the updates of a round.
///
/// Every node that applies it to the same updates gets the same bytes. One file each in this
/// folder says what the rule tolerates, its source and deviations, and what it claims; the
/// conformance suite holds every registered one to that.
public protocol Aggregator: Sendable {
    /// The name in ``AggregatorRegistry``, which a manifest carries.
    static var name: String { get }
    /// The properties that the conformance suite checks.
    static var claims: AggregatorClaims { get }
    /// Whether a round trains that half of each pair; a half that it does not train must not be in
    /// an update.
    static func trains(_ factor: AdapterFactor, inRound round: UInt64) -> Bool
    /// The directions of a pair that a member trains which can train `count` of them, ascending.
    static func directions(
        _ count: Int, of pair: AdapterPairing.Pair, draw: DirectionDraw
    ) -> [Int]
    /// What a member's training starts from, given the consensus adapter.
    static func start(from adapter: NamedTensors, selection: TensorSelection) -> NamedTensors
    /// Whether it has to hold the updates of all members at once, and not their sum alone.
    ///
    /// One that does works pair by pair: what comes of a pair follows from that pair's tensors.
    static func holdsUpdates(under settings: Manifest.AggregationSettings) -> Bool
    /// Starts a sum over the tensors of a base adapter.
    init(manifest: Manifest, layout: AdapterLayout)
    /// Adds an update that passed ``UpdateInspector``; the order does not matter.
    ///
    /// - Throws: the reason if it does not fit after all, `equivocation` for a second update of one
    ///   member where the rule has to tell members apart; the sum is then as before.
    mutating func add(_ update: AdapterUpdate) throws(RejectReason)
    /// The digest of what was summed, and the new adapter: the mean and the outer step.
    ///
    /// The base is a ``ConsensusState``'s tensors, and so is what comes out.
    ///
    /// - Throws: `updateShapeMismatch` for a base of another layout, `updateNonFinite` if the base
    ///   or the outcome holds a value that is not finite.
    func finish(base: NamedTensors) throws(RejectReason) -> Aggregate
}

extension Aggregator {
    /// Both halves in every round.
    public static func trains(_ factor: AdapterFactor, inRound round: UInt64) -> Bool { true }

    /// It has.
    public static func holdsUpdates(under settings: Manifest.AggregationSettings) -> Bool { true }

    /// The first ones.
    public static func directions(
        _ count: Int, of pair: AdapterPairing.Pair, draw: DirectionDraw
    ) -> [Int] {
        Array(0..<min(max(count, 0), pair.rank))
    }

    /// The consensus as it is: what is not selected stays in the forward product, frozen.
    public static func start(
        from adapter: NamedTensors, selection: TensorSelection
    ) -> NamedTensors {
        adapter
    }
}

/// What an aggregator made.
public struct Aggregate: Hashable, Sendable {
    /// The digest of what was summed: exact sums and weights, or the updates themselves.
    public let sumDigest: Digest
    /// The tensors of the next ``ConsensusState``: the new adapter, and the outer momentum if the
    /// manifest keeps one.
    public let adapter: NamedTensors
    /// The greatest share of a pair's squared singular values that truncation dropped, 0...1.
    ///
    /// Above 0.01 the wire rank is too low for what the members learn.
    public let droppedEnergy: Double

    /// Collects the fields.
    public init(sumDigest: Digest, adapter: NamedTensors, droppedEnergy: Double = 0) {
        self.sumDigest = sumDigest
        self.adapter = adapter
        self.droppedEnergy = droppedEnergy
    }
}

/// What decides the directions that a member trains in a round.
public struct DirectionDraw: Hashable, Sendable {
    /// The federation.
    public let manifestDigest: Digest
    /// The round.
    public let round: UInt64
    /// The member.
    public let member: PublicKey

    /// Collects the fields.
    public init(manifestDigest: Digest, round: UInt64, member: PublicKey) {
        self.manifestDigest = manifestDigest
        self.round = round
        self.member = member
    }

    /// The generator of one pair's choice: seeded with the first 8 bytes of BLAKE2b-256 over
    /// `"starling/directions/1\0"`, manifest digest, round (8), member, and A's name.
    func generator(for pair: AdapterPairing.Pair) -> SplitMix64 {
        var writer = CanonicalWriter(domain: "starling/directions/1")
        writer.write(raw: manifestDigest.bytes)
        writer.write(round)
        writer.write(raw: member.bytes)
        writer.write(pair.name)
        return SplitMix64(seed: Hashing.blake2b256(writer.bytes).leadingInteger)
    }
}

extension Digest {
    /// The first eight bytes, high byte first.
    var leadingInteger: UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}
