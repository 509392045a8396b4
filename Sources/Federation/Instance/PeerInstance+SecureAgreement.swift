internal import Cryptography

/// What agreement asks of a secure round.
///
/// A proposal says that the round came to this sum, or to none. A sum is proposed once as many
/// members hold it as have to sign its result; that there is none, once so many never will that the
/// others are too few to decide for it. Heartbeats tell which.
extension PeerInstance {
    /// Where a member is with the round of this height, as far as this node knows.
    private func standing(of member: PublicKey) -> SecureStanding {
        if member == own { return current.secure.standing }
        guard let status = peers[member]?.status, status.height + 1 == current.height else {
            return .open
        }
        if status.abstention == .roundLost { return .lost }
        return current.members(missingIn: status.announcements).contains(member) ? .open : .held
    }

    /// Whether a member says itself that it holds the sum.
    func isHolder(_ member: PublicKey) -> Bool { standing(of: member) == .held }

    private var holderCount: Int {
        current.members.count { isHolder($0) }
    }

    private var isLostForTooMany: Bool {
        let lost = current.members.count { standing(of: $0) == .lost }
        return lost > current.members.count - current.quorum
    }

    /// The outcome that this node would propose now.
    var proposableOutcome: SecureRoundOutcome? {
        if isGrouped { return areTooManyGroupsLost ? .lost : nil }
        if let held = current.secure.held, !current.secure.hasConceded,
            holderCount >= chain.resultQuorum(of: .summed(held.summary))
        {
            return .summed(held.summary)
        }
        return isLostForTooMany ? .lost : nil
    }

    /// Whether this node may commit to a proposal, as far as its updates or its sum go.
    ///
    /// That a round is lost is also believed where the view changes demand it: somebody committed
    /// to it, and what they committed to may be decided already.
    func canCommit(to proposal: Proposal, justification: [ViewChange]) -> Bool {
        guard isAdmissible(proposal, justification: justification) else { return false }
        return switch proposal.secure {
        case nil: current.holdsAll(proposal)
        case .summed(let summary): current.secure.held?.summary == summary
        case .lost:
            (isGrouped ? areTooManyGroupsLost : isLostForTooMany)
                || justification.contains { $0.committed?.proposalDigest == proposal.digest }
        }
    }

    /// Gives a sum up that too few members hold, although enough can be reached for a decision.
    mutating func concede() {
        guard let held = current.secure.held, let heldAt = current.secure.heldAt,
            current.decided == nil, !current.secure.hasConceded,
            reachableMembers.count >= current.quorum,
            now.seconds(since: heldAt) >= SecureHeight.patienceSeconds,
            holderCount < chain.resultQuorum(of: .summed(held.summary))
        else { return }
        current.secure.hasConceded = true
        nextStatusAt = now
    }

    /// What a decided secure round came to; `nil` while this node can't say.
    func outcome(of decided: SecureRoundOutcome) -> AggregateOutcome? {
        switch decided {
        case .lost: AggregateOutcome(sumDigest: .zero, adapterDigest: chain.adapterDigest)
        case .summed(let summary):
            current.secure.held.flatMap { $0.summary == summary ? $0.outcome : nil }
        }
    }

    /// The other members of a secure round, each with a reason.
    func secureAbsences(_ outcome: SecureRoundOutcome) -> [RoundReport.Absence] {
        let present = Set(outcome.participants)
        return current.members.filter { !present.contains($0) }.map { member in
            var reason = absenceReason(of: member)
            if case .lost = outcome, reason == .tooSlow { reason = .roundLost }
            return RoundReport.Absence(member: member, reason: reason)
        }
    }
}
