internal import Cryptography

/// What a member dealt.
struct DealState: Sendable {
    let hash: [UInt8]
    let commitments: SecureCommitments
}

/// U2: the members whose secrets any threshold of them can rebuild.
struct SurvivorState: Sendable {
    let frame: SecureFrame
    let members: MemberSet
    let digest: Digest
    let adoptedAt: Timestamp
}

/// One attempt to sum: who takes part, who owns which shard, and what the owners said.
struct ViewState: Sendable {
    let participants: MemberSet
    let owners: [Int]
    let since: Timestamp
    var partials: [Int: SecurePartial] = [:]
    var sums: [Int: [UInt32]] = [:]

    init(participants: MemberSet, owners: [Int], since: Timestamp) {
        self.participants = participants
        self.owners = owners
        self.since = since
    }

    /// The hashes of all partial sums in order; `nil` while one is missing.
    var digests: [Digest]? {
        let digests = owners.indices.compactMap { partials[$0]?.digest }
        return digests.count == owners.count ? digests : nil
    }

    var isComplete: Bool { digests != nil && sums.count == owners.count }
}

/// Shards of masked vectors that this node holds as an owner, by shard and contributor.
struct MaskedShards: Sendable {
    private var shards: [Int: [Int: [UInt32]]] = [:]

    mutating func keep(_ words: [UInt32], shard: Int, of contributor: Int) {
        shards[shard, default: [:]][contributor] = words
    }

    func holds(shard: Int, of contributor: Int) -> Bool {
        shards[shard]?[contributor] != nil
    }

    func words(shard: Int, of contributor: Int) -> [UInt32]? {
        shards[shard]?[contributor]
    }

    func contributors(of shard: Int) -> MemberSet {
        MemberSet((shards[shard] ?? [:]).keys.sorted())
    }

    /// The sum over the participants, all of which must be here.
    func sum(of shard: Int, participants: MemberSet) -> [UInt32]? {
        guard let held = shards[shard] else { return nil }
        let members = participants.indices
        guard let first = members.first, var sum = held[first] else { return nil }
        for member in members.dropFirst() {
            guard let words = held[member] else { return nil }
            MaskGenerator.add(words, to: &sum)
        }
        return sum
    }

    /// Every shard of which something is here, ascending.
    var entries: [SecureReceipt.Entry] {
        shards.keys.sorted().map { .init(shard: $0, contributors: contributors(of: $0)) }
    }

    mutating func removeAll() { shards = [:] }
}

/// A member's one commit.
struct CommitState: Sendable {
    let view: Int
    let commit: SecureCommit
    let frame: SecureFrame
}

/// A threshold of equal commits.
struct CertificateState: Sendable {
    let view: Int
    let commit: SecureCommit
    let signatures: [SecureReveal.Signature]
    let since: Timestamp
}

/// An owner's work that this node checks.
struct AuditState: Sendable {
    let view: Int
    let shard: Int
    let owner: Int
    /// By contributor.
    var shards: [Int: [UInt32]] = [:]
    var isDone = false
}

/// Something that was sent to a peer, so that it is not sent again at once.
struct SentKey: Hashable, Sendable {
    let receiver: Int
    let kind: SecureDataFrame.Kind
    let view: Int
    let shard: Int
}
