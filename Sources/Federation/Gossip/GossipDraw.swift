public import Cryptography
internal import Tensors

/// Whom a member pushes its state to in a round: a draw that everybody can repeat.
///
/// The seed is the first 8 bytes of BLAKE2b-256 over `"starling/gossip-draw/1\0"`, manifest digest,
/// round (8) and the sender's key. A candidate's rank is the first number of SplitMix64 seeded with
/// the seed xor the first 8 bytes of the candidate's key, ties by key; the lowest ranks are drawn.
/// Whether one member is drawn thus hardly depends on who else is known, so that nodes with
/// slightly different rosters agree on most draws.
public struct GossipDraw: Hashable, Sendable {
    /// So many places for each drawn one: the next stand in for drawn members that cannot be
    /// reached.
    ///
    /// 4: with every second member away, fewer than one in two hundred pushes finds nobody.
    public static let placesPerTarget = 4

    private let seed: UInt64
    private let sender: PublicKey

    /// The draw of a sender in a round.
    public init(manifestDigest: Digest, round: UInt64, sender: PublicKey) {
        var writer = CanonicalWriter(domain: "starling/gossip-draw/1")
        writer.write(raw: manifestDigest.bytes)
        writer.write(round)
        writer.write(raw: sender.bytes)
        seed = Hashing.blake2b256(writer.bytes).leadingInteger
        self.sender = sender
    }

    /// The first so many members in the order of the draw, without the sender.
    ///
    /// - Complexity: O(members x count).
    public func targets(among members: some Sequence<PublicKey>, count: Int) -> [PublicKey] {
        targets(among: members.map(Candidate.init), count: count)
    }

    /// The place of a member in the order of the draw, from 0.
    ///
    /// - Complexity: O(members).
    public func place(of member: PublicKey, among members: some Sequence<PublicKey>) -> Int {
        place(of: member, among: members.map(Candidate.init))
    }

    /// A member and the number that stands for it in every draw.
    struct Candidate: Hashable, Sendable {
        let member: PublicKey
        let number: UInt64

        init(_ member: PublicKey) {
            self.member = member
            number = member.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    func targets(among candidates: [Candidate], count: Int) -> [PublicKey] {
        guard count > 0 else { return [] }
        var drawn: [(rank: UInt64, member: PublicKey)] = []
        for candidate in candidates {
            let rank = rank(of: candidate)
            if drawn.count == count, let last = drawn.last, rank > last.rank { continue }
            guard candidate.member != sender else { continue }
            let entry = (rank: rank, member: candidate.member)
            let place = drawn.firstIndex { (entry.rank, entry.member) < ($0.rank, $0.member) }
            drawn.insert(entry, at: place ?? drawn.count)
            if drawn.count > count { drawn.removeLast() }
        }
        return drawn.map(\.member)
    }

    func place(of member: PublicKey, among candidates: [Candidate]) -> Int {
        let own = rank(of: Candidate(member))
        var place = 0
        for candidate in candidates {
            let rank = rank(of: candidate)
            guard rank < own || rank == own && candidate.member < member,
                candidate.member != sender, candidate.member != member
            else { continue }
            place += 1
        }
        return place
    }

    private func rank(of candidate: Candidate) -> UInt64 {
        var generator = SplitMix64(seed: seed ^ candidate.number)
        return generator.next()
    }
}
