public import Cryptography

/// Everything that the members of a group must know alike before a secure round.
///
/// A policy that exists is valid: the initialiser checks every range.
public struct SecurePolicy: Sendable {
    /// The federation.
    public let manifestDigest: Digest
    /// The round.
    public let round: UInt64
    /// The base model and the adapter state at the start of the round.
    public let baseDigest: Digest
    /// The layout of the adapter.
    public let schemaDigest: Digest
    /// The vector that is summed.
    public let format: SecureVectorFormat
    /// Who may be in the group, in ascending order.
    public let candidates: [PublicKey]
    /// The public randomness that orders the proposers.
    public let beacon: Digest
    /// The least number of participants, 3...64; below 5 only where the manifest says so.
    public let memberMinimum: Int
    /// The network key of a closed federation; `nil` in a public one.
    public let networkKey: SecretBytes?
    /// When the round started, in seconds since 1970: joins that have expired are refused.
    public let startedAtSeconds: UInt64
    /// The deadlines.
    public let timing: SecureTiming
    /// The candidates whose certificates do not hold: they are in no roster.
    public var excluded: Set<PublicKey> = []
    /// The organisations of the candidates that have one.
    public var organisations: [PublicKey: String] = [:]

    /// Checks every range.
    ///
    /// - Throws: ``SecurePolicyError``, which names the field.
    public init(
        manifestDigest: Digest, round: UInt64, baseDigest: Digest, schemaDigest: Digest,
        format: SecureVectorFormat, candidates: [PublicKey], beacon: Digest,
        memberMinimum: Int = SecureThresholds.memberMinimumDefault,
        networkKey: SecretBytes? = nil, startedAtSeconds: UInt64,
        timing: SecureTiming = SecureTiming()
    ) throws(SecurePolicyError) {
        let range = SecureThresholds.memberCountMin...SecureThresholds.memberCountMax
        guard range.contains(memberMinimum) else { throw .memberMinimum(memberMinimum) }
        let sorted = Set(candidates).sorted()
        guard sorted.count == candidates.count,
            (memberMinimum...SecureThresholds.memberCountMax).contains(sorted.count)
        else { throw .candidateCount(sorted.count, minimum: memberMinimum) }
        guard format.isValid(memberCount: sorted.count) else { throw .format }
        guard networkKey.map({ $0.count == 32 }) ?? true else { throw .networkKey }
        self.manifestDigest = manifestDigest
        self.round = round
        self.baseDigest = baseDigest
        self.schemaDigest = schemaDigest
        self.format = format
        self.candidates = sorted
        self.beacon = beacon
        self.memberMinimum = memberMinimum
        self.networkKey = networkKey
        self.startedAtSeconds = startedAtSeconds
        self.timing = timing
    }

    /// Whether the minimum is below the default: a node says so at every start.
    public var allowsSmallGroups: Bool {
        memberMinimum < SecureThresholds.memberMinimumDefault
    }

    /// Those members in the order in which they propose: by the hash of beacon and key.
    func proposerOrder(of members: [PublicKey]) -> [PublicKey] {
        members.map { (Hashing.blake2b256(beacon.bytes + $0.bytes), $0) }
            .sorted { $0.0 < $1.0 }
            .map(\.1)
    }

    /// The position of a candidate, from 1.
    func candidateIndex(of key: PublicKey) -> Int? {
        candidates.firstIndex(of: key).map { $0 + 1 }
    }
}

/// Which setting of a secure round is out of range.
public enum SecurePolicyError: Error, Hashable, Sendable {
    /// The minimum of participants is outside 3...64.
    case memberMinimum(Int)
    /// Fewer candidates than the minimum, more than 64, or one of them twice.
    case candidateCount(Int, minimum: Int)
    /// A field of the vector format is out of range, or a sum could wrap.
    case format
    /// The network key has not 32 bytes.
    case networkKey
}
