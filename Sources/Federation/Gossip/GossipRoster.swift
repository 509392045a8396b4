internal import Cryptography

/// The members of a federation that gossips: what their own signed joins and leaves come to.
///
/// Nobody decides on it. Nodes that have heard the same statements have the same roster, whatever
/// the order and however often they came. A join counts until a leave of the same height, and again
/// from a join of a greater height.
struct GossipRoster: Sendable {
    /// The most nodes that are remembered, those that left among them.
    static let countMax = 1024

    /// What is known of one node.
    struct Entry: Hashable, Sendable {
        let join: SignedJoin
        var leave: SignedLeave?
    }

    private(set) var entries: [PublicKey: Entry] = [:]
    /// The members in ascending order.
    private(set) var members: [PublicKey] = []
    /// The same as draws take them.
    private(set) var candidates: [GossipDraw.Candidate] = []
    /// What two nodes with the same roster have in common: BLAKE2b-256 over
    /// `"starling/roster/1\0"` and, per node in ascending order, key, height of the join (8), 1 if it
    /// left (1).
    private(set) var digest = Digest.zero

    /// The nodes that have certificates; `nil` where none is asked for.
    private var admitted: Set<PublicKey>?

    init() {
        update()
    }

    /// Whether a node has joined and not left.
    func hasJoined(_ key: PublicKey) -> Bool {
        entries[key].map { $0.leave == nil } ?? false
    }

    /// Whether a node has joined, has not left, and may take part.
    func isMember(_ key: PublicKey) -> Bool {
        hasJoined(key) && admitted?.contains(key) != false
    }

    /// Lets only nodes with certificates be members.
    mutating func restrict(to admitted: Set<PublicKey>) {
        guard self.admitted != admitted else { return }
        self.admitted = admitted
        update()
    }

    /// Takes over what was stored, which was checked when it came.
    mutating func restore(_ stored: [RosterShare]) {
        for share in stored {
            for join in share.joins { entries[join.member] = Entry(join: join) }
            for leave in share.leaves { entries[leave.member]?.leave = leave }
        }
        update()
    }

    /// Takes statements in; ``members`` and ``digest`` follow once for all of them.
    ///
    /// - Returns: what was new. Statements that do not hold are left out, for the sender may pass on
    ///   what others made up.
    mutating func learn(_ share: RosterShare, manifest: Digest) -> RosterShare {
        var news = RosterShare()
        for join in share.joins where (try? add(join, manifest: manifest)) == true {
            news.joins.append(join)
        }
        for leave in share.leaves where (try? add(leave, manifest: manifest)) == true {
            news.leaves.append(leave)
        }
        if !news.joins.isEmpty || !news.leaves.isEmpty { update() }
        return news
    }

    /// Takes a join in.
    ///
    /// - Returns: whether it was new.
    /// - Throws: `signatureInvalid`, `tooMany` for a roster that is full.
    private mutating func add(
        _ join: SignedJoin, manifest: Digest
    ) throws(RejectReason) -> Bool {
        let known = entries[join.member]
        if let known, known.join.height >= join.height { return false }
        guard join.isValid(manifest: manifest) else { throw .signatureInvalid }
        guard known != nil || entries.count < Self.countMax else { throw .tooMany }
        entries[join.member] = Entry(join: join)
        return true
    }

    /// Takes a leave in; one that ends another membership than the known one says nothing.
    ///
    /// - Returns: whether it was new.
    /// - Throws: `signatureInvalid`.
    private mutating func add(
        _ leave: SignedLeave, manifest: Digest
    ) throws(RejectReason) -> Bool {
        guard let known = entries[leave.member], known.leave == nil,
            known.join.height == leave.memberSince
        else { return false }
        guard leave.isValid(manifest: manifest) else { throw .signatureInvalid }
        entries[leave.member]?.leave = leave
        return true
    }

    private mutating func update() {
        let keys = entries.keys.sorted()
        members = keys.filter(isMember)
        candidates = members.map(GossipDraw.Candidate.init)
        var writer = CanonicalWriter(domain: "starling/roster/1")
        for member in keys {
            guard let entry = entries[member] else { continue }
            writer.write(raw: member.bytes)
            writer.write(entry.join.height)
            writer.write(UInt8(entry.leave == nil ? 0 : 1))
        }
        digest = Hashing.blake2b256(writer.bytes)
    }

    /// Everything known of those nodes, in messages of bounded size.
    func shares(of keys: [PublicKey]) -> [RosterShare] {
        var shares: [RosterShare] = []
        var share = RosterShare()
        for key in keys {
            guard let entry = entries[key] else { continue }
            share.joins.append(entry.join)
            if let leave = entry.leave { share.leaves.append(leave) }
            if share.joins.count + share.leaves.count >= RosterShare.countMax - 1 {
                shares.append(share)
                share = RosterShare()
            }
        }
        if !share.joins.isEmpty { shares.append(share) }
        return shares
    }
}
