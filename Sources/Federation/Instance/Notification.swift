public import Cryptography

/// Something a user may want to know; nothing depends on its delivery.
public enum Notification: Hashable, Sendable {
    /// Fewer members are in than the first round needs.
    case waitingForMembers(present: Int, needed: Int)
    /// A round began.
    case roundStarted(round: UInt64, base: ObjectID)
    /// A round was certified.
    case roundCertified(RoundReport)
    /// A certified entry made that peer a member from that height on; in gossip its own word, and
    /// the height is that of its join.
    case memberJoined(PublicKey, height: UInt64)
    /// A certified entry ended a membership.
    case memberLeft(PublicKey, height: UInt64, reason: DepartureReason)
    /// This node waits: too few members can be reached. Training that is done stays stored.
    case belowQuorum(reachable: Int, needed: Int)
    /// Enough members can be reached again.
    case quorumRestored(reachable: Int, needed: Int)
    /// This node moved to another view of the height because the proposer did not deliver.
    case viewChanged(height: UInt64, view: UInt64)
    /// This node's update of that round is not among the participants; it is in the log.
    case ownUpdateLate(round: UInt64)
    /// This node's own sum differs from the certified one, which it takes over.
    case resultDiffers(height: UInt64)
    /// The node fell behind and took over the certified state of that height.
    case caughtUp(height: UInt64)
    /// Sums of so few updates are allowed that little hides one among the others.
    case smallGroups(memberMinimum: Int)
    /// A secure round's sum over so many updates is open, and the adapter made of it is stored.
    case secureSumOpened(round: UInt64, participantCount: Int, memberCount: Int)
    /// A secure round ended for this node before a result was certified in it.
    case secureRoundEnded(round: UInt64, SecureEnd)
    /// An opened sum is not what members within their bounds can have put in.
    case secureSumRefused(round: UInt64, RejectReason)
    /// A member's own signatures convict it.
    case secureEvidence(PublicKey)
    /// A peer refused this node.
    case refusedBy(PublicKey, RejectReason)
    /// This node may take part no longer, for that reason and with an issuer's words.
    case membershipOver(RejectReason, text: String)
    /// A node has a certificate for an invite that others have used up.
    case inviteOverused(invite: PublicKey, node: PublicKey)
    /// Another running node has this node's key.
    case duplicateIdentity
    /// The departure that this node asked for is certified.
    case departed(height: UInt64)
    /// In gossip: so many states that arrived were averaged with this node's own, and the adapter
    /// of that round is the outcome.
    case stateMixed(round: UInt64, inputCount: Int, distance: ConsensusDistance?)
    /// In gossip: that member announced two states in one round; both are in the log.
    case equivocationFound(PublicKey, round: UInt64)
    /// Every member holds the final entry, or in gossip is through with its rounds: nobody needs
    /// this node any more.
    case everyMemberHasFinal
}

/// What a certified round was.
public struct RoundReport: Hashable, Sendable {
    /// A member that is not among the participants, and why.
    public struct Absence: Hashable, Sendable {
        /// The member.
        public let member: PublicKey
        /// The certified reason.
        public let reason: AbsenceReason

        /// Pairs member and reason.
        public init(member: PublicKey, reason: AbsenceReason) {
            self.member = member
            self.reason = reason
        }
    }

    /// The round, from 1.
    public let round: UInt64
    /// The height of its entry.
    public let height: UInt64
    /// The updates that were summed; none are known of a secure round.
    public let participants: [UpdateSummary]
    /// The other members.
    public let absences: [Absence]
    /// The consensus adapter after the round.
    public let adapterDigest: ObjectID
    /// What a secure round came to; `nil` in plain ones.
    public let secure: SecureRoundOutcome?

    /// The members whose updates were summed, in ascending order.
    public var participatingMembers: [PublicKey] {
        secure?.participants ?? participants.map(\.member)
    }

    /// Takes the fields.
    public init(
        round: UInt64, height: UInt64, participants: [UpdateSummary], absences: [Absence],
        adapterDigest: ObjectID, secure: SecureRoundOutcome? = nil
    ) {
        self.round = round
        self.height = height
        self.participants = participants
        self.absences = absences
        self.adapterDigest = adapterDigest
        self.secure = secure
    }
}
