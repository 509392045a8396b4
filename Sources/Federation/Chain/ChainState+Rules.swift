internal import Cryptography

extension ChainState {
    /// Checks a proposal for the next height against every rule that depends on the chain and
    /// the proposal alone.
    ///
    /// - Throws: the reason for which it must not be committed to.
    func check(_ proposal: Proposal) throws(RejectReason) {
        guard proposal.manifestDigest == manifestDigest else { throw .manifestMismatch }
        guard proposal.height == height + 1, proposal.previousDigest == headDigest else {
            throw .replay
        }
        guard proposal.kind == nextKind, proposal.baseAdapterDigest == adapterDigest else {
            throw .proposalInvalid
        }
        switch proposal.kind {
        case .membership:
            guard proposal.participants.isEmpty, proposal.absences.isEmpty,
                proposal.secure == nil
            else { throw .proposalInvalid }
        case .round where manifest.groupMemberCount != nil:
            try checkGroups(proposal)
            try checkAbsences(proposal)
        case .round where manifest.secure != nil:
            guard proposal.participants.isEmpty,
                proposal.secure?.isValid(members: members, manifest: manifest) == true
            else { throw .proposalInvalid }
            try checkAbsences(proposal)
        case .round:
            guard proposal.secure == nil else { throw .proposalInvalid }
            try checkParticipants(proposal)
            try checkAbsences(proposal)
        }
        try checkJoins(proposal)
        try checkDepartures(proposal)
        try checkMembersAfter(proposal)
    }

    private func checkParticipants(_ proposal: Proposal) throws(RejectReason) {
        let participants = proposal.participants
        guard participants.count >= max(1, participantMinimum),
            Self.isAscending(participants.map(\.summary.member))
        else { throw .proposalInvalid }
        for participant in participants { try check(participant) }
    }

    /// Checks an announcement for the round of the next height.
    func check(_ announcement: SignedAnnouncement) throws(RejectReason) {
        let summary = announcement.summary
        guard isMember(summary.member) else { throw .notMember }
        guard summary.round == completedRoundCount + 1 else { throw .updateWrongRound }
        guard summary.baseAdapterDigest == adapterDigest else { throw .updateWrongBase }
        guard announcement.isValid(manifest: manifestDigest) else { throw .signatureInvalid }
        guard (1...manifest.ring.weightUnit).contains(summary.exampleCount) else {
            throw .updateWeightInvalid
        }
        guard (1...manifest.updateByteCountMax).contains(summary.byteCount) else {
            throw .updateTooLarge
        }
    }

    private func checkAbsences(_ proposal: Proposal) throws(RejectReason) {
        let present = Set(
            proposal.participants.map(\.summary.member) + (proposal.secure?.participants ?? []))
        let absent = members.filter { !present.contains($0) }
        guard proposal.absences.map(\.member) == absent else { throw .proposalInvalid }
    }

    private func checkJoins(_ proposal: Proposal) throws(RejectReason) {
        guard Self.isAscending(proposal.joins.map(\.member)) else { throw .proposalInvalid }
        for join in proposal.joins { try check(join) }
    }

    /// Checks that a node may become a member at the next height.
    func check(_ join: SignedJoin) throws(RejectReason) {
        guard !isMember(join.member) else { throw .replay }
        guard join.height >= departureHeights[join.member, default: 0], join.height <= height
        else { throw .replay }
        guard join.isValid(manifest: manifestDigest) else { throw .signatureInvalid }
    }

    private func checkDepartures(_ proposal: Proposal) throws(RejectReason) {
        let departures = proposal.departures
        guard Self.isAscending(departures.map(\.member)) else { throw .proposalInvalid }
        var announced: Set<PublicKey> = []
        for departure in departures {
            switch departure.reason {
            case .announced(let leave):
                try check(leave)
                announced.insert(leave.member)
            case .revoked(let revocation):
                try check(revocation, of: departure.member)
                announced.insert(departure.member)
            case .silentRounds: break
            }
        }
        let silent = silentDepartures(absences: proposal.absences).filter {
            !announced.contains($0.member)
        }
        guard departures.filter({ !announced.contains($0.member) }) == silent else {
            throw .proposalInvalid
        }
    }

    /// Checks that a leave ends the present membership of its signer.
    func check(_ leave: SignedLeave) throws(RejectReason) {
        guard let since = memberSince[leave.member] else { throw .notMember }
        guard leave.memberSince == since else { throw .replay }
        guard leave.isValid(manifest: manifestDigest) else { throw .signatureInvalid }
    }

    /// Checks that an issuer revoked the certificate of a present member.
    ///
    /// Whether the member has another one by now is not for the chain to say: who commits knows.
    private func check(
        _ revocation: SignedRevocation, of member: PublicKey
    ) throws(RejectReason) {
        guard let issuers = manifest.admission?.issuers, revocation.node == member,
            isMember(member)
        else { throw .proposalInvalid }
        do throws(MembershipRefusal) {
            try revocation.verify(federation: manifestDigest, issuers: issuers)
        } catch {
            throw error.reason == .signatureInvalid ? .signatureInvalid : .proposalInvalid
        }
    }

    /// The members whose silence lasts too long with these absences: they must depart, so that
    /// the quorum follows the living.
    func silentDepartures(absences: [RoundReport.Absence]) -> [Proposal.Departure] {
        absences.compactMap { absence in
            guard absence.reason == .silent else { return nil }
            let count = silentRoundCounts[absence.member, default: 0] + 1
            guard count >= manifest.membership.absentRoundCountMax else { return nil }
            return Proposal.Departure(member: absence.member, reason: .silentRounds(count))
        }
    }

    private func checkMembersAfter(_ proposal: Proposal) throws(RejectReason) {
        let after = membersAfter(proposal)
        guard (1...Manifest.memberCountMax).contains(after.count) else { throw .proposalInvalid }
        guard proposal.kind == .membership else { return }
        // A membership entry that brings nobody out must make rounds possible at once: the
        // first members come in together, and none can be lost half-way.
        guard after.count >= memberCountNeeded || !proposal.departures.isEmpty,
            !proposal.joins.isEmpty || !proposal.departures.isEmpty
        else { throw .proposalInvalid }
    }

    /// The members after an entry with that proposal, in ascending order.
    func membersAfter(_ proposal: Proposal) -> [PublicKey] {
        let gone = Set(proposal.departures.map(\.member))
        return (members.filter { !gone.contains($0) } + proposal.joins.map(\.member)).sorted()
    }

    /// The statement that members sign for a decided proposal with that outcome; a membership
    /// entry's outcome is the adapter as it was.
    func result(
        of proposal: Proposal, digest: Digest, outcome: AggregateOutcome
    ) -> ResultStatement {
        ResultStatement(
            manifestDigest: manifestDigest, height: proposal.height, round: proposal.round,
            previousDigest: headDigest, proposalDigest: digest, sumDigest: outcome.sumDigest,
            adapterDigest: outcome.adapterDigest,
            membersDigest: Self.digest(of: membersAfter(proposal)))
    }

    static func isAscending(_ keys: [PublicKey]) -> Bool {
        zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 }
    }
}
