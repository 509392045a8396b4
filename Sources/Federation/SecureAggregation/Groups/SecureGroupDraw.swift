public import Cryptography

/// The groups of a round whose sums are secret inside and compared across: a draw that everybody
/// can repeat.
///
/// Members are put in order of BLAKE2b-256 over `"starling/secure-groups/1\0"`, the beacon, the
/// round (8) and the member's key. The order is cut into as many groups of at least the manifest's
/// size as there can be, of sizes that differ by one at most. The beacon is the head of the chain,
/// so that nobody knows the groups before the last round is certified.
///
/// Source: admission by lot; docs/robustness.md.
///
/// ### Deviations
/// The head stands for the commit-reveal beacon: who certifies an entry can, by leaving signatures
/// out, choose between as many heads as it has ways to do so.
public struct SecureGroupDraw: Hashable, Sendable {
    private let beacon: Digest
    private let round: UInt64
    private let memberCountMin: Int

    /// The draw of a round.
    public init(beacon: Digest, round: UInt64, memberCountMin: Int) {
        precondition(memberCountMin > 0, "groups of \(memberCountMin)")
        self.beacon = beacon
        self.round = round
        self.memberCountMin = memberCountMin
    }

    /// The groups, each in ascending order of its keys; one of all where there are too few for two.
    ///
    /// - Complexity: O(members x log members).
    public func groups(of members: [PublicKey]) -> [[PublicKey]] {
        let order = members.map { (rank: rank(of: $0), member: $0) }
            .sorted { ($0.rank, $0.member) < ($1.rank, $1.member) }
            .map(\.member)
        let count = max(1, order.count / memberCountMin)
        return (0..<count).map { group in
            order[group * order.count / count..<(group + 1) * order.count / count].sorted()
        }
    }

    private func rank(of member: PublicKey) -> Digest {
        var writer = CanonicalWriter(domain: "starling/secure-groups/1")
        writer.write(raw: beacon.bytes)
        writer.write(round)
        writer.write(raw: member.bytes)
        return Hashing.blake2b256(writer.bytes)
    }
}
