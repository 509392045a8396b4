public import Cryptography

/// A picture of a ``PeerInstance`` for status pages and tests.
public struct PeerStatus: Hashable, Sendable {
    /// Where the node stands at its height.
    public enum Phase: String, Hashable, Sendable {
        /// Not a member; asks to be one.
        case joining
        /// A member; waits until enough members are in.
        case gathering
        /// Trains, or waits for updates or for a proposal.
        case collecting
        /// Has signed a commit.
        case committed
        /// Holds a commit certificate; sums or waits for equal results.
        case decided
        /// Holds the last round's entry.
        case finished
        /// Left on its own wish.
        case departed
    }

    /// Where the node stands.
    public let phase: Phase
    /// The height of the last certified entry; 0 before the first.
    public let height: UInt64
    /// Rounds certified so far.
    public let completedRoundCount: UInt64
    /// The view of the height that is being decided.
    public let view: UInt64
    /// The certified adapter.
    public let adapterDigest: ObjectID
    /// Whether that adapter is in the store.
    public let holdsAdapter: Bool
    /// The digest of the last certified entry; the manifest's before the first.
    public let headDigest: Digest
    /// The members in ascending order.
    public let members: [PublicKey]
    /// The members that can be reached now, this node included if it is one.
    public let reachableMembers: [PublicKey]
    /// The last certified round.
    public let lastRound: RoundReport?
    /// Seconds until the deadline of the round, in a secure one that of contributions; 0 if it is over
    /// or there is none.
    public let secondsToDeadline: Double
    /// Whether every other member has told that it holds the final entry.
    public let everyMemberHasFinal: Bool
    /// What only a federation that gossips has.
    public var gossip: GossipStatus?
}
