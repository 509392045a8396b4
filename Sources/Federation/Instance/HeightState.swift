internal import Cryptography

/// What a node knows of the height that is being decided.
///
/// A new height starts a new value.
///
/// A height moves `collecting → committed → decided → certified` and never back; only
/// `collecting` and `committed` alternate, once per view. `view` only grows, and so does the
/// view of `committed`.
struct HeightState: Sendable {
    /// A proposal that the current view's proposer signed and that breaks no rule.
    struct Accepted: Sendable {
        let message: Propose
        let digest: Digest
        let at: Timestamp
    }

    /// The proposal of the last own commit.
    struct Committed: Sendable {
        let view: UInt64
        let proposal: Proposal
        let digest: Digest
    }

    /// A proposal with its certificate.
    struct Decided: Sendable {
        let decision: Decision
        let digest: Digest
        var isAggregating = false
        var retryAt: Timestamp?
    }

    /// Commits of one member that are kept: more than any honest pair of views can need.
    static let commitCountMax = 8
    /// Bodies of proposals that are kept.
    static let proposalCountMax = 64

    let height: UInt64
    let kind: Proposal.Kind?
    let members: [PublicKey]
    let proposers: [PublicKey]
    let majority: Int
    let quorum: Int
    let participantMinimum: Int
    /// Whether one object may stand for several members: the sum of their group.
    let isGrouped: Bool
    let enteredAt: Timestamp
    /// How much earlier the height began for the others, as far as is known.
    private(set) var headStartSeconds = 0.0
    /// What each of the others says of that.
    private var headStarts: [PublicKey: Double] = [:]

    var view: UInt64 = 0
    var viewEnteredAt: Timestamp
    /// Since when the view's proposer cannot be reached; `nil` while it can.
    var proposerLostAt: Timestamp?
    /// When an own proposal first became possible; the time-outs of view 0 count from it.
    var readyAt: Timestamp?
    var committed: Committed?
    var committedAt: Timestamp?
    var accepted: Accepted?

    var announcements: [PublicKey: SignedAnnouncement] = [:]
    var held: [ObjectID: UpdateSummary] = [:]
    var refused: [ObjectID: RejectReason] = [:]
    /// Members whose very announcement breaks a bound.
    var refusedMembers: [PublicKey: RejectReason] = [:]
    var fetches: [ObjectID: FetchState] = [:]
    var ownAbstention: AbsenceReason?
    var secure = SecureHeight()

    var proposals: [Digest: Proposal] = [:]
    var commits: [PublicKey: [Commit]] = [:]
    var viewChanges: [PublicKey: ViewChange] = [:]

    var decided: Decided?
    var outcome: AggregateOutcome?
    var ownResult: ResultStatement?
    var results: [PublicKey: SignedResult] = [:]

    var reportedEquivocations: Set<ReportedEquivocation> = []

    init(chain: ChainState, now: Timestamp) {
        height = chain.height + 1
        kind = chain.nextKind
        members = chain.members
        proposers = chain.proposers
        majority = chain.majority
        quorum = chain.quorum
        participantMinimum = chain.participantMinimum
        isGrouped = chain.manifest.groupMemberCount != nil
        enteredAt = now
        viewEnteredAt = now
    }

    /// The round that this height sums; `nil` for a membership entry and after the last round.
    var round: UInt64? {
        if case .round(let number) = kind { number } else { nil }
    }

    func proposer(of view: UInt64) -> PublicKey {
        proposers[Int(view % UInt64(proposers.count))]
    }

    /// The announced updates that are here and passed every check, by member.
    var usable: [SignedAnnouncement] {
        members.compactMap { member in
            announcements[member].flatMap { held[$0.summary.objectID] == nil ? nil : $0 }
        }
    }

    /// Whether the bytes of that summary are here.
    func holds(_ summary: UpdateSummary) -> Bool {
        guard let held = held[summary.objectID] else { return false }
        return held == summary || isGrouped && held.byteCount == summary.byteCount
    }

    /// Whether every participant's bytes are here.
    func holdsAll(_ proposal: Proposal) -> Bool {
        proposal.participants.allSatisfy { holds($0.summary) }
    }

    /// How long the height has lasted.
    func seconds(at now: Timestamp) -> Double { now.seconds(since: enteredAt) + headStartSeconds }

    /// The time at which the height has lasted so long, and not before this node entered it.
    func time(after seconds: Double) -> Timestamp {
        enteredAt.adding(seconds: max(0, seconds - headStartSeconds))
    }

    /// Takes a member's word for how long the height has lasted.
    ///
    /// Who comes late, as after a restart, would else have the others wait beyond their deadline. So
    /// many are believed that one of them is honest, if more than a quorum is.
    mutating func noteBeginning(_ seconds: Double, of member: PublicKey, now: Timestamp) {
        headStarts[member] = seconds - now.seconds(since: enteredAt)
        let faulty = members.count - quorum
        let said = headStarts.values.sorted(by: >)
        if said.count > faulty { headStartSeconds = max(headStartSeconds, said[faulty]) }
    }

    mutating func remember(_ proposal: Proposal, digest: Digest) {
        guard proposals[digest] == nil, proposals.count < Self.proposalCountMax else { return }
        proposals[digest] = proposal
    }

    /// Bit i is set where member i's key is in the set.
    func mask(_ contains: (PublicKey) -> Bool) -> UInt64 {
        var mask: UInt64 = 0
        for (index, member) in members.enumerated() where contains(member) {
            mask |= 1 << UInt64(index)
        }
        return mask
    }

    /// The members whose bits are missing from a peer's mask.
    func members(missingIn mask: UInt64) -> [PublicKey] {
        members.enumerated().filter { mask & 1 << UInt64($0.offset) == 0 }.map(\.element)
    }

    /// The latest commit of a member in that view.
    func commit(of member: PublicKey, view: UInt64) -> Commit? {
        commits[member]?.first { $0.ballot.view == view }
    }
}

/// A fetch that was ordered or waits to be ordered again.
struct FetchState: Sendable {
    var isOrdered = true
    var failureCount = 0
    var retryAt: Timestamp
}

/// What has been logged as equivocation, so that it is logged once.
struct ReportedEquivocation: Hashable, Sendable {
    let member: PublicKey
    let subject: Equivocation.Subject
    let view: UInt64
}
