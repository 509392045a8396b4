internal import Cryptography

extension ChainState {
    /// Checks an entry for the next height: every rule and every signature.
    ///
    /// - Throws: the first reason for which it is no such entry.
    public func verify(_ entry: CertifiedEntry) throws(RejectReason) {
        try check(entry.proposal)
        try verify(entry.commits, of: entry.result.proposalDigest)
        guard entry.result.membersDigest == Self.digest(of: membersAfter(entry.proposal)) else {
            throw .proposalInvalid
        }
        if entry.proposal.kind == .membership || entry.proposal.secure == .lost {
            guard entry.result.adapterDigest == adapterDigest,
                entry.result.sumDigest == .zero
            else { throw .proposalInvalid }
        }
        guard entry.signatures.count >= resultQuorum(of: entry.proposal.secure) else {
            throw .certificateInvalid
        }
        try verify(entry.signatures, over: entry.result.bytes)
    }

    /// The signatures that a result needs: a quorum, and of a secure round's sum as many as it took
    /// to open it.
    func resultQuorum(of outcome: SecureRoundOutcome?) -> Int {
        guard let secure = manifest.secure, case .summed(let summary) = outcome else {
            return quorum
        }
        let thresholds = SecureThresholds(
            memberCount: summary.memberCount, memberMinimum: secure.memberMinimum)
        return max(quorum, thresholds.threshold)
    }

    /// Checks that a quorum of the members committed to that proposal in one view.
    func verify(
        _ certificate: CommitCertificate, of proposalDigest: Digest
    ) throws(RejectReason) {
        let ballot = Ballot(
            height: height + 1, view: certificate.view, proposalDigest: proposalDigest)
        try verify(
            certificate.signatures, over: ballot.commitStatement(manifest: manifestDigest))
    }

    private func verify(
        _ signatures: [MemberSignature], over statement: [UInt8]
    ) throws(RejectReason) {
        guard signatures.count >= quorum, Self.isAscending(signatures.map(\.member)) else {
            throw .certificateInvalid
        }
        for item in signatures {
            guard isMember(item.member) else { throw .notMember }
            guard item.member.isValidSignature(item.signature, for: statement) else {
                throw .signatureInvalid
            }
        }
    }

    /// Moves to the state after an entry that ``verify(_:)`` accepted.
    public mutating func apply(_ entry: CertifiedEntry) {
        precondition(
            entry.height == height + 1, "entry \(entry.height) after height \(height)")
        let proposal = entry.proposal
        for departure in proposal.departures {
            memberSince[departure.member] = nil
            silentRoundCounts[departure.member] = nil
            departureHeights[departure.member] = proposal.height
        }
        for participant in proposal.participants {
            silentRoundCounts[participant.summary.member] = nil
        }
        for member in proposal.secure?.participants ?? [] { silentRoundCounts[member] = nil }
        for absence in proposal.absences where memberSince[absence.member] != nil {
            silentRoundCounts[absence.member] =
                absence.reason == .silent ? silentRoundCounts[absence.member, default: 0] + 1 : nil
        }
        for join in proposal.joins { memberSince[join.member] = proposal.height }
        members = memberSince.keys.sorted()
        height = proposal.height
        headDigest = entry.digest
        adapterDigest = entry.result.adapterDigest
        if case .round(let round) = proposal.kind {
            completedRoundCount = round
            lastRound = RoundReport(
                round: round, height: height, participants: proposal.participants.map(\.summary),
                absences: proposal.absences, adapterDigest: adapterDigest,
                secure: proposal.secure)
        }
    }
}
