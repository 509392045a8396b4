internal import Cryptography

/// Proposing, committing and deciding one height.
extension PeerInstance {
    func signedCommit(_ ballot: Ballot) -> Commit {
        let signature = signer.signature(for: ballot.commitStatement(manifest: manifest.digest))
        return Commit(ballot: ballot, member: own, signature: signature)
    }

    // MARK: Proposing

    /// The proposal that the current view must carry: the one with the highest committed view
    /// among the view changes that justify it, or this node's own commit in this very view.
    var requiredProposal: Proposal? {
        if let committed = current.committed, committed.view == current.view {
            return committed.proposal
        }
        guard current.view > 0, let digest = requiredDigest(justification) else { return nil }
        return current.proposals[digest]
    }

    /// The view changes to the current view.
    private var justification: [ViewChange] {
        current.members.compactMap { member in
            current.viewChanges[member].flatMap { $0.view == current.view ? $0 : nil }
        }
    }

    private func requiredDigest(_ changes: [ViewChange]) -> Digest? {
        changes.compactMap(\.committed).max { $0.view < $1.view }?.proposalDigest
    }

    /// Proposes if this node is the view's proposer and has not done so.
    ///
    /// What is proposed is committed to in the same step, and that is durable before either
    /// message leaves: a proposer that restarts can propose nothing else in the same view.
    mutating func propose() {
        guard current.accepted == nil, current.decided == nil, current.kind != nil, isMember
        else { return }
        if current.readyAt == nil, isReadyToPropose { current.readyAt = now }
        guard current.proposer(of: current.view) == own else { return }
        var changes: [ViewChange] = []
        if current.view > 0 {
            changes = justification
            guard changes.count >= current.majority else { return }
        }
        guard let proposal = proposalForView(changes),
            canCommit(to: proposal, justification: changes)
        else { return }
        let digest = proposal.digest
        let ballot = Ballot(height: current.height, view: current.view, proposalDigest: digest)
        let message = Propose(
            view: current.view, proposal: proposal,
            signature: signer.signature(for: ballot.proposeStatement(manifest: manifest.digest)),
            justification: changes)
        current.remember(proposal, digest: digest)
        current.accepted = HeightState.Accepted(message: message, digest: digest, at: now)
        persistCommit(to: proposal, digest: digest)
        sendToMembers(.propose(message))
        sendOwnCommit(ballot)
    }

    /// What may be proposed in the current view with these view changes; `nil` if nothing yet.
    private func proposalForView(_ changes: [ViewChange]) -> Proposal? {
        let required = requiredDigest(changes)
        if let committed = current.committed, committed.view == current.view {
            // After a restart: the same proposal again, where these view changes allow it.
            return required == nil || required == committed.digest ? committed.proposal : nil
        }
        if let required { return current.proposals[required] }
        return current.readyAt != nil && isReadyToPropose ? ownProposal() : nil
    }

    /// A proposal of what this node holds.
    private func ownProposal() -> Proposal? {
        guard let kind = current.kind else { return nil }
        let outcome = current.round != nil && isSecure ? proposableOutcome : nil
        var participants: [SignedAnnouncement] = []
        var absences: [RoundReport.Absence] = []
        if let outcome {
            absences = secureAbsences(outcome)
        } else if case .round = kind {
            guard !agreesOnSum else { return nil }
            participants = isGrouped ? usableGroupSums : usableUpdates
            let present = Set(participants.map(\.summary.member))
            absences = current.members.filter { !present.contains($0) }.map {
                RoundReport.Absence(member: $0, reason: absenceReason(of: $0))
            }
        }
        let change = membershipChange(absences: absences)
        return Proposal(
            manifestDigest: manifest.digest, height: current.height,
            previousDigest: chain.headDigest, kind: kind,
            baseAdapterDigest: chain.adapterDigest, participants: participants,
            absences: absences, joins: change.joins, departures: change.departures,
            secure: outcome)
    }

    func absenceReason(of member: PublicKey) -> AbsenceReason {
        if let announcement = current.announcements[member] {
            let refusal = current.refused[announcement.summary.objectID]
            return refusal.map { .refused($0) } ?? .transferIncomplete
        }
        if let refusal = current.refusedMembers[member] { return .refused(refusal) }
        if !counts(member) { return absenceReasonOfExcluded(member) }
        if pendingLeaves[member] != nil { return .left }
        if member == own { return current.ownAbstention ?? .tooSlow }
        return abstention(of: member) ?? (isReachable(member) ? .tooSlow : .silent)
    }

    mutating func receivedPropose(_ message: Propose) throws(RejectReason) {
        let proposal = message.proposal
        guard proposal.height == current.height, proposal.previousDigest == chain.headDigest,
            current.decided == nil, message.view >= current.view
        else { throw .replay }
        let ballot = message.ballot
        let proposer = current.proposer(of: message.view)
        if message.view == current.view, let accepted = current.accepted,
            accepted.digest == ballot.proposalDigest
        {
            return
        }
        let statement = ballot.proposeStatement(manifest: manifest.digest)
        guard proposer.isValidSignature(message.signature, for: statement) else {
            throw .signatureInvalid
        }
        if message.view == current.view, let accepted = current.accepted {
            let first = accepted.message
            reportEquivocation(
                .proposal, of: proposer, height: current.height, view: message.view,
                first: first.ballot.proposeStatement(manifest: manifest.digest) + first.signature,
                second: statement + message.signature)
            return
        }
        try check(message.justification, view: message.view, digest: ballot.proposalDigest)
        try chain.check(proposal)
        if message.view > current.view { enterView(message.view) }
        current.remember(proposal, digest: ballot.proposalDigest)
        current.accepted = HeightState.Accepted(
            message: message, digest: ballot.proposalDigest, at: now)
    }

    /// Checks that a majority moved to the view and that the proposal is the one that the
    /// highest committed view among them demands, if there is any.
    private func check(
        _ changes: [ViewChange], view: UInt64, digest: Digest
    ) throws(RejectReason) {
        guard view > 0 else { return }
        let members = changes.map(\.member)
        guard changes.count >= current.majority, ChainState.isAscending(members),
            requiredDigest(changes) == nil || requiredDigest(changes) == digest
        else { throw .justificationInvalid }
        for change in changes {
            guard change.height == current.height, change.view == view,
                chain.isMember(change.member), change.isValid(manifest: manifest.digest)
            else { throw .justificationInvalid }
        }
    }

    // MARK: Committing

    /// Commits to the current view's proposal once every update in it is here and sound: at
    /// most one commit per view, never in a view below the promised one, durable first.
    mutating func commit() {
        guard isMember, current.decided == nil, let accepted = current.accepted,
            accepted.message.view == current.view
        else { return }
        if let committed = current.committed, committed.view >= current.view { return }
        guard
            canCommit(
                to: accepted.message.proposal, justification: accepted.message.justification)
        else { return }
        persistCommit(to: accepted.message.proposal, digest: accepted.digest)
        sendOwnCommit(accepted.message.ballot)
    }

    private mutating func persistCommit(to proposal: Proposal, digest: Digest) {
        let view = current.view
        if let committed = current.committed {
            precondition(
                committed.view < view || (committed.view == view && committed.digest == digest),
                "a second commit in view \(view) of height \(current.height)")
        }
        current.committed = HeightState.Committed(view: view, proposal: proposal, digest: digest)
        current.committedAt = now
        persistAgreement()
    }

    mutating func persistAgreement() {
        let record = DurableRecord.Agreement(
            height: current.height, promisedView: current.view,
            committed: current.committed.map { ($0.view, $0.proposal) })
        emit(.persist(key: DurableRecord.agreement, value: record.bytes))
    }

    private mutating func sendOwnCommit(_ ballot: Ballot) {
        let commit = signedCommit(ballot)
        store(commit)
        sendToMembers(.commit(commit))
    }

    private mutating func store(_ commit: Commit) {
        var kept = current.commits[commit.member, default: []]
        // One commit per member and view: a certificate counts members, not messages.
        guard !kept.contains(where: { $0.ballot.view == commit.ballot.view }) else { return }
        kept.append(commit)
        if kept.count > HeightState.commitCountMax { kept.removeFirst() }
        current.commits[commit.member] = kept
    }

    mutating func receivedCommit(_ commit: Commit) throws(RejectReason) {
        let ballot = commit.ballot
        guard ballot.height == current.height, current.decided == nil else { throw .replay }
        guard chain.isMember(commit.member) else { throw .notMember }
        let known = current.commit(of: commit.member, view: ballot.view)
        if let known, known.ballot == ballot { return }
        let statement = ballot.commitStatement(manifest: manifest.digest)
        guard commit.member.isValidSignature(commit.signature, for: statement) else {
            throw .signatureInvalid
        }
        guard let known else {
            store(commit)
            return
        }
        reportEquivocation(
            .commit, of: commit.member, height: ballot.height, view: ballot.view,
            first: known.ballot.commitStatement(manifest: manifest.digest) + known.signature,
            second: statement + commit.signature)
    }

    // MARK: Deciding

    /// Decides when a quorum has committed to one proposal in one view.
    mutating func decide() {
        guard current.decided == nil, !current.commits.isEmpty else { return }
        var groups: [Ballot: [MemberSignature]] = [:]
        for member in current.members {
            for commit in current.commits[member] ?? [] {
                groups[commit.ballot, default: []].append(
                    MemberSignature(member: member, signature: commit.signature))
            }
        }
        let winner = groups.filter { $0.value.count >= current.quorum }
            .min { $0.key.view < $1.key.view }
        guard let winner, let proposal = current.proposals[winner.key.proposalDigest] else {
            return
        }
        let certificate = CommitCertificate(
            view: winner.key.view, signatures: Array(winner.value.prefix(current.quorum)))
        decide(Decision(proposal: proposal, certificate: certificate))
    }

    private mutating func decide(_ decision: Decision) {
        let digest = decision.proposal.digest
        current.remember(decision.proposal, digest: digest)
        current.decided = HeightState.Decided(decision: decision, digest: digest)
        let needed = Set(decision.proposal.participants.map(\.summary.objectID))
        for objectID in current.fetches.keys.sorted() where !needed.contains(objectID) {
            current.fetches[objectID] = nil
            emit(.cancelFetch(objectID))
        }
        directTraining()
        orderFetches()
    }

    mutating func receivedDecision(_ decision: Decision) throws(RejectReason) {
        guard decision.proposal.height == current.height,
            decision.proposal.previousDigest == chain.headDigest, current.decided == nil
        else { throw .replay }
        try chain.check(decision.proposal)
        try chain.verify(decision.certificate, of: decision.proposal.digest)
        decide(decision)
    }
}
