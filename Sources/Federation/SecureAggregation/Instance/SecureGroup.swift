internal import Cryptography

/// A candidate's join that holds.
struct JoinEntry: Hashable, Sendable {
    let frame: SecureFrame
    let digest: Digest
    let join: SecureJoin
    let maskKey: RistrettoPoint
}

/// A group as a roster names it, with everything that follows from it.
struct SecureGroup: Sendable {
    let frame: SecureFrame
    let id: Digest
    let members: [PublicKey]
    let joins: [JoinEntry]
    let thresholds: SecureThresholds
    let shards: ShardMap
    /// Indices in the order in which members propose.
    let proposers: [Int]

    init(
        frame: SecureFrame, id: Digest, joins: [JoinEntry], policy: SecurePolicy
    ) {
        self.frame = frame
        self.id = id
        self.joins = joins
        let members = joins.map(\.join.member)
        self.members = members
        thresholds = SecureThresholds(
            memberCount: members.count, memberMinimum: policy.memberMinimum)
        shards = ShardMap(wordCount: policy.format.wordCount, memberCount: members.count)
        let order = policy.proposerOrder(of: members)
        proposers = order.compactMap { key in members.firstIndex(of: key).map { $0 + 1 } }
    }

    var view: Int { frame.view }
    var everyone: MemberSet { MemberSet(count: members.count) }

    func key(of index: Int) -> PublicKey? {
        members.indices.contains(index - 1) ? members[index - 1] : nil
    }

    func index(of key: PublicKey) -> Int? {
        members.firstIndex(of: key).map { $0 + 1 }
    }

    func keys(of set: MemberSet) -> [PublicKey] {
        set.indices.compactMap { key(of: $0) }
    }

    /// The proposer of a view among some of the members.
    func proposer(of view: Int, among set: MemberSet) -> Int? {
        let order = proposers.filter(set.contains)
        return order.isEmpty ? nil : order[view % order.count]
    }
}
