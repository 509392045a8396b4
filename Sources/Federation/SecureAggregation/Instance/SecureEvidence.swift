public import Cryptography

/// A member's own signatures that convict it; anyone can check them.
public enum SecureEvidence: Hashable, Sendable {
    /// Two different statements where only one is allowed, as frames.
    case equivocation(member: PublicKey, first: [UInt8], second: [UInt8])
    /// A reveal whose share does not fit what its dealer committed to.
    case falseShare(FalseShare)
    /// A signed sum of a shard that is not the sum of what its contributors signed.
    case falseSum(FalseSum)

    /// A reveal with a false share, and what shows it: the deal and the join of the dealer, and
    /// the roster that binds them to the group.
    public struct FalseShare: Hashable, Sendable {
        /// Who revealed.
        public let member: PublicKey
        /// Whose secret the share is of.
        public let dealer: PublicKey
        let reveal: [UInt8]
        let deal: [UInt8]
        let dealerJoin: [UInt8]
        let roster: [UInt8]
    }

    /// What an owner signed as the sum, and what the contributors signed as its parts.
    public struct FalseSum: Hashable, Sendable {
        /// Who signed the sum.
        public let member: PublicKey
        let partial: [UInt8]
        /// Mask commits, joins and words of the participants in ascending order.
        let maskCommits: [[UInt8]]
        let joins: [[UInt8]]
        let shards: [[UInt32]]
        let roster: [UInt8]
    }

    /// Who is convicted.
    public var member: PublicKey {
        switch self {
        case .equivocation(let member, _, _): member
        case .falseShare(let found): found.member
        case .falseSum(let found): found.member
        }
    }

    /// Whether the frames prove the accusation; the network key is the federation's, if it has
    /// one.
    public func isProven(networkKey: SecretBytes?) -> Bool {
        switch self {
        case .equivocation(let member, let first, let second):
            guard let first = try? SecureFrame(bytes: first),
                let second = try? SecureFrame(bytes: second),
                let slot = SecureSlot(first), slot == SecureSlot(second),
                !first.saysSame(as: second), first.isSigned(by: member),
                second.isSigned(by: member)
            else { return false }
            return true
        case .falseShare(let found): return found.isProven(networkKey: networkKey)
        case .falseSum(let found): return found.isProven(networkKey: networkKey)
        }
    }
}

extension SecureEvidence.FalseShare {
    func isProven(networkKey: SecretBytes?) -> Bool {
        guard let roster = ProvenRoster(bytes: roster, networkKey: networkKey),
            let joinFrame = try? SecureFrame(bytes: dealerJoin), joinFrame.kind == .join,
            let join = try? SecureJoin(joinFrame),
            let dealFrame = try? SecureFrame(bytes: deal), dealFrame.kind == .deal,
            let deal = try? SecureDeal(dealFrame),
            let revealFrame = try? SecureFrame(bytes: reveal), revealFrame.kind == .reveal,
            let reveal = try? SecureReveal(revealFrame)
        else { return false }
        let index = dealFrame.sender
        guard dealFrame.group == roster.group, revealFrame.group == roster.group,
            roster.member(index, join: dealerJoin) == dealer, dealFrame.isSigned(by: dealer),
            revealFrame.isSigned(by: member),
            let share = reveal.shares.first(where: { $0.member == index }),
            let key = RistrettoPoint(bytes: join.maskKey),
            let commitments = SecureCommitments(deal, maskKey: key)
        else { return false }
        guard let scalar = RistrettoScalar(bytes: share.share) else { return true }
        return !commitments.opened(participates: reveal.commit.participants.contains(index))
            .isValidShare(scalar, at: UInt16(revealFrame.sender))
    }
}

extension SecureEvidence.FalseSum {
    func isProven(networkKey: SecretBytes?) -> Bool {
        guard let roster = ProvenRoster(bytes: roster, networkKey: networkKey),
            let partialFrame = try? SecureFrame(bytes: partial), partialFrame.kind == .partial,
            let partial = try? SecurePartial(partialFrame), partialFrame.group == roster.group,
            partialFrame.isSigned(by: member)
        else { return false }
        let participants = partial.participants.indices
        guard participants.count == shards.count, participants.count == joins.count,
            participants.count == maskCommits.count, var sum = shards.first
        else { return false }
        for (place, index) in participants.enumerated() {
            guard let key = roster.member(index, join: joins[place]),
                let frame = try? SecureFrame(bytes: maskCommits[place]),
                frame.kind == .maskCommit, frame.group == roster.group, frame.sender == index,
                frame.isSigned(by: key), let commit = try? SecureMaskCommit(frame),
                commit.shardHashes.indices.contains(partial.shard),
                Hashing.blake2b256(littleEndianWords: shards[place][...])
                    == commit.shardHashes[partial.shard],
                shards[place].count == sum.count
            else { return false }
            if place > 0 { MaskGenerator.add(shards[place], to: &sum) }
        }
        return Hashing.blake2b256(littleEndianWords: sum[...]) != partial.digest
    }
}

/// A roster by which evidence is tied to a group.
private struct ProvenRoster {
    let group: [UInt8]
    private let joins: [Digest]

    init?(bytes: [UInt8], networkKey: SecretBytes?) {
        guard let frame = try? SecureFrame(bytes: bytes), frame.kind == .roster,
            let roster = try? SecureRoster(frame)
        else { return nil }
        group =
            SecureDerivation.groupID(
                rosterBytes: roster.canonicalBytes(view: frame.view), networkKey: networkKey
            ).bytes
        joins = roster.joins
    }

    /// Who has that index, by the signed join that the roster names.
    func member(_ index: Int, join bytes: [UInt8]) -> PublicKey? {
        guard joins.indices.contains(index - 1),
            joins[index - 1] == Hashing.blake2b256(bytes),
            let frame = try? SecureFrame(bytes: bytes), frame.kind == .join,
            let join = try? SecureJoin(frame), frame.isSigned(by: join.member)
        else { return nil }
        return join.member
    }
}

/// The place of a statement of which a member may sign only one.
struct SecureSlot: Hashable, Sendable {
    let kind: SecureFrame.Kind
    /// The group, or federation and round where the group is what was said twice.
    let scope: [UInt8]
    let sender: Int
    let view: Int
    let item: Int

    /// `nil` for kinds that may be repeated.
    init?(_ frame: SecureFrame) {
        kind = frame.kind
        switch frame.kind {
        case .join, .status, .audit: return nil
        case .roster:
            guard let roster = try? SecureRoster(frame) else { return nil }
            var writer = CanonicalWriter()
            writer.write(raw: roster.manifestDigest.bytes)
            writer.write(littleEndian: roster.round)
            scope = writer.bytes
            sender = 0
            view = frame.view
            item = 0
            return
        case .share:
            guard let share = try? SecureShare(frame) else { return nil }
            item = share.recipient
            view = 0
        case .partial:
            guard let partial = try? SecurePartial(frame) else { return nil }
            item = partial.shard
            view = frame.view
        case .receipt, .contributors, .survivors:
            item = 0
            view = frame.view
        // One per round, whatever the view.
        case .rosterAck, .deal, .dealAck, .maskCommit, .commit, .reveal, .result:
            item = 0
            view = 0
        }
        scope = frame.group
        sender = frame.sender
    }
}

/// The commitments of one dealer to both of its polynomials.
struct SecureCommitments: Hashable, Sendable {
    let maskKey: FeldmanCommitments
    let selfKey: FeldmanCommitments

    /// `nil` where a commitment is no point.
    init?(_ deal: SecureDeal, maskKey key: RistrettoPoint) {
        let threshold = (deal.points.count + 1) / 2
        guard deal.points.count == 2 * threshold - 1 else { return nil }
        var points: [RistrettoPoint] = []
        for bytes in deal.points {
            guard let point = RistrettoPoint(bytes: bytes) else { return nil }
            points.append(point)
        }
        maskKey = FeldmanCommitments(points: [key] + points[..<(threshold - 1)])
        selfKey = FeldmanCommitments(points: Array(points[(threshold - 1)...]))
    }

    /// The commitments to the secret that is opened: the own mask's of a participant, the pair
    /// masks' of one that dropped out.
    func opened(participates: Bool) -> FeldmanCommitments {
        participates ? selfKey : maskKey
    }
}
