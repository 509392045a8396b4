public import Cryptography

/// What a height is to decide: who takes part in a round and who is a member afterwards.
public struct Proposal: Hashable, Sendable {
    /// What the entry does besides joins and departures.
    public enum Kind: Hashable, Sendable {
        /// Nothing: it is made while too few members are in for a round.
        case membership
        /// Sums the participants' updates.
        case round(UInt64)
    }

    /// A membership that ends.
    public struct Departure: Hashable, Sendable {
        /// The member.
        public let member: PublicKey
        /// Why.
        public let reason: DepartureReason
    }

    /// The federation.
    public let manifestDigest: Digest
    /// The height, from 1.
    public let height: UInt64
    /// The digest of the entry before; the manifest's for height 1.
    public let previousDigest: Digest
    /// What the entry does.
    public let kind: Kind
    /// The adapter before the entry.
    public let baseAdapterDigest: ObjectID
    /// The updates to sum, in ascending order of their members; none in a secure round.
    public let participants: [SignedAnnouncement]
    /// All other members of a round, in ascending order, with a reason each.
    public let absences: [RoundReport.Absence]
    /// New members, in ascending order.
    public let joins: [SignedJoin]
    /// Ended memberships, in ascending order.
    public let departures: [Departure]
    /// What a secure round came to; `nil` in plain ones and in membership entries.
    public internal(set) var secure: SecureRoundOutcome?

    /// The members whose updates are summed, in ascending order.
    public var participatingMembers: [PublicKey] {
        secure?.participants ?? participants.map(\.summary.member)
    }

    /// The round, 0 for a membership entry.
    public var round: UInt64 {
        if case .round(let number) = kind { number } else { 0 }
    }
}
