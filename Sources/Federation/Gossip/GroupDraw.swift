public import Cryptography
internal import Tensors

/// The groups of a round: a draw that everybody can repeat.
///
/// Members are ordered by the first number of SplitMix64 seeded with s xor the first 8 bytes of the
/// key, ties by key; s is the first 8 bytes of BLAKE2b-256 over `"starling/gossip-groups/1\0"`,
/// manifest digest and round (8). The order is cut into as few groups of at most the manifest's size
/// as there can be, of sizes that differ by one at most. A member more or less on a roster moves
/// each border by a place at most, so that nodes with slightly different rosters have nearly the
/// same groups.
public struct GroupDraw: Hashable, Sendable {
    private let seed: UInt64
    private let memberCountMax: Int

    /// The draw of a round.
    public init(manifestDigest: Digest, round: UInt64, memberCountMax: Int) {
        precondition(memberCountMax > 0, "groups of \(memberCountMax)")
        var writer = CanonicalWriter(domain: "starling/gossip-groups/1")
        writer.write(raw: manifestDigest.bytes)
        writer.write(round)
        seed = Hashing.blake2b256(writer.bytes).leadingInteger
        self.memberCountMax = memberCountMax
    }

    /// All groups of some members, each in the order of the draw.
    ///
    /// - Complexity: O(members x log members).
    public func groups(of members: some Sequence<PublicKey>) -> [[PublicKey]] {
        let order = order(of: members.map(GossipDraw.Candidate.init))
        let count = groupCount(order.count)
        return (0..<count).map { group in
            Array(order[bounds(of: group, count, order.count)])
        }
    }

    /// The other members of a member's group.
    func peers(of member: PublicKey, among candidates: [GossipDraw.Candidate]) -> [PublicKey] {
        let order = order(of: candidates)
        guard let place = order.firstIndex(of: member) else { return [] }
        let count = groupCount(order.count)
        for group in 0..<count {
            let bounds = bounds(of: group, count, order.count)
            if bounds.contains(place) { return order[bounds].filter { $0 != member } }
        }
        return []
    }

    /// Whether two members can be in one group on somebody's roster: no more places apart than a
    /// group has.
    func areNear(
        _ left: PublicKey, _ right: PublicKey, among candidates: [GossipDraw.Candidate]
    ) -> Bool {
        let (first, second) = (rank(of: .init(left)), rank(of: .init(right)))
        let (low, high) = (min(first, second), max(first, second))
        let between = candidates.count { candidate in
            let rank = rank(of: candidate)
            return rank > low && rank < high
        }
        return between < memberCountMax
    }

    private func groupCount(_ count: Int) -> Int {
        (count + memberCountMax - 1) / memberCountMax
    }

    private func bounds(of group: Int, _ groupCount: Int, _ count: Int) -> Range<Int> {
        group * count / groupCount..<(group + 1) * count / groupCount
    }

    private func order(of candidates: [GossipDraw.Candidate]) -> [PublicKey] {
        candidates.map { (rank: rank(of: $0), member: $0.member) }
            .sorted { $0.rank != $1.rank ? $0.rank < $1.rank : $0.member < $1.member }
            .map(\.member)
    }

    private func rank(of candidate: GossipDraw.Candidate) -> UInt64 {
        var generator = SplitMix64(seed: seed ^ candidate.number)
        return generator.next()
    }
}
