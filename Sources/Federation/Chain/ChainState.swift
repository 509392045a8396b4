public import Cryptography

/// What the certified entries up to a height come to.
///
/// Deterministic: equal entries, equal state.
public struct ChainState: Hashable, Sendable {
    /// The federation's settings.
    public let manifest: Manifest
    /// The digest of the manifest.
    public let manifestDigest: Digest
    /// The height of the last entry, 0 before the first.
    public internal(set) var height: UInt64 = 0
    /// The digest of the last entry, the manifest's before the first.
    public internal(set) var headDigest: Digest
    /// The members in ascending order.
    public internal(set) var members: [PublicKey]
    /// The height of the entry that made each member one; 0 for the author.
    public internal(set) var memberSince: [PublicKey: UInt64]
    /// Rounds of silence in a row, for members that have any.
    public internal(set) var silentRoundCounts: [PublicKey: Int] = [:]
    /// The height of the last departure of nodes that were members once.
    public internal(set) var departureHeights: [PublicKey: UInt64] = [:]
    /// Rounds certified so far.
    public internal(set) var completedRoundCount: UInt64 = 0
    /// The certified adapter.
    public internal(set) var adapterDigest: ObjectID
    /// The last certified round.
    public internal(set) var lastRound: RoundReport?

    /// The state before the first entry: the author is the only member.
    public init(genesis manifest: SignedManifest) {
        self.manifest = manifest.manifest
        manifestDigest = manifest.digest
        headDigest = manifest.digest
        members = [manifest.manifest.author]
        memberSince = [manifest.manifest.author: 0]
        adapterDigest = manifest.manifest.initialAdapterDigest
    }

    /// Whether the last round of the manifest is certified.
    public var isFinished: Bool {
        completedRoundCount >= UInt64(manifest.training.roundCount)
    }

    /// The members that must be in for a round to be possible.
    public var memberCountNeeded: Int {
        let count =
            completedRoundCount == 0
            ? manifest.membership.startMemberCount : manifest.membership.quorumMinimum
        return max(count, manifest.secureMemberMinimum)
    }

    /// What the next entry has to be; `nil` after the last round.
    public var nextKind: Proposal.Kind? {
        guard !isFinished else { return nil }
        guard members.count >= memberCountNeeded else { return .membership }
        return .round(completedRoundCount + 1)
    }

    /// More than half of the members: what view changes need, and commits at least.
    ///
    /// Any two of such sets share a member.
    public var majority: Int { members.count / 2 + 1 }

    /// The least number of participants of a round.
    public var participantMinimum: Int {
        min(manifest.membership.quorumMinimum, members.count)
    }

    /// The signatures that a certificate of the next height needs.
    public var quorum: Int {
        if case .round = nextKind { max(majority, participantMinimum) } else { majority }
    }

    /// Whether that node is a member.
    public func isMember(_ key: PublicKey) -> Bool { memberSince[key] != nil }

    /// The members in the order in which they propose at the next height: by
    /// BLAKE2b-256(head digest || height || key).
    public var proposers: [PublicKey] {
        members
            .map { member in
                var writer = CanonicalWriter()
                writer.write(raw: headDigest.bytes)
                writer.write(height + 1)
                writer.write(raw: member.bytes)
                return (rank: Hashing.blake2b256(writer.bytes), member: member)
            }
            .sorted { $0.rank < $1.rank }
            .map(\.member)
    }

    static func digest(of members: [PublicKey]) -> Digest {
        var writer = CanonicalWriter(domain: "starling/members/1")
        for member in members { writer.write(raw: member.bytes) }
        return Hashing.blake2b256(writer.bytes)
    }
}
