internal import Cryptography

/// From a decided proposal to a certified entry and on to the next height.
extension PeerInstance {
    func signed(_ result: ResultStatement) -> SignedResult {
        SignedResult(
            height: result.height, proposalDigest: result.proposalDigest,
            sumDigest: result.sumDigest, adapterDigest: result.adapterDigest,
            membersDigest: result.membersDigest, member: own,
            signature: signer.signature(for: result.bytes))
    }

    /// Has the decided updates summed, once they and the base are here.
    mutating func aggregate() {
        guard let decided = current.decided, current.outcome == nil, !decided.isAggregating,
            decided.retryAt.map({ now >= $0 }) ?? true
        else { return }
        let proposal = decided.decision.proposal
        guard let round = current.round else {
            current.outcome = AggregateOutcome(sumDigest: .zero, adapterDigest: chain.adapterDigest)
            return
        }
        if let secure = proposal.secure {
            current.outcome = outcome(of: secure)
            return
        }
        guard current.holdsAll(proposal), adoptedHeight == chain.height else { return }
        current.decided?.isAggregating = true
        emit(
            .aggregate(
                AggregationOrder(
                    height: current.height, round: round,
                    baseAdapterDigest: chain.adapterDigest,
                    participants: proposal.participants.map(\.summary))))
    }

    mutating func aggregated(height: UInt64, _ outcome: AggregateOutcome) {
        if height == current.height, agreesOnSum, current.secure.sum != nil {
            sumAggregated(outcome)
        } else if height == current.height, current.decided != nil {
            current.decided?.isAggregating = false
            if current.outcome == nil { current.outcome = outcome }
        } else if height == chain.height, outcome.adapterDigest == chain.adapterDigest,
            !holdsAdapter
        {
            holdsAdapter = true
            adapterFetch = nil
            emit(.cancelFetch(chain.adapterDigest))
        } else if height == chain.height, outcome.adapterDigest != chain.adapterDigest {
            emit(.notify(.resultDiffers(height: height)))
        }
    }

    /// Signs the result, one for a height whatever happens: a restart that comes to another sum
    /// shows a fault of this machine and keeps to the statement that was signed before.
    mutating func signResult() {
        guard isMember, let decided = current.decided, let outcome = current.outcome,
            current.results[own] == nil
        else { return }
        let statement = chain.result(
            of: decided.decision.proposal, digest: decided.digest, outcome: outcome)
        if let earlier = current.ownResult, earlier != statement {
            emit(.notify(.resultDiffers(height: current.height)))
        } else {
            current.ownResult = statement
            if case .round = current.kind { emit(.appendLog(.aggregated(statement))) }
            emit(.persist(key: DurableRecord.result, value: statement.bytes))
        }
        guard let result = current.ownResult.map(signed) else { return }
        current.results[own] = result
        sendToMembers(.result(result))
    }

    private func statement(of result: SignedResult) -> ResultStatement {
        ResultStatement(
            manifestDigest: manifest.digest, height: result.height, round: current.round ?? 0,
            previousDigest: chain.headDigest, proposalDigest: result.proposalDigest,
            sumDigest: result.sumDigest, adapterDigest: result.adapterDigest,
            membersDigest: result.membersDigest)
    }

    mutating func receivedResult(_ result: SignedResult) throws(RejectReason) {
        guard result.height == current.height else { throw .replay }
        guard chain.isMember(result.member) else { throw .notMember }
        let known = current.results[result.member]
        guard known != result else { return }
        let statement = statement(of: result)
        guard result.member.isValidSignature(result.signature, for: statement.bytes) else {
            throw .signatureInvalid
        }
        guard let known else {
            current.results[result.member] = result
            return
        }
        reportEquivocation(
            .result, of: result.member, height: result.height,
            first: self.statement(of: known).bytes + known.signature,
            second: statement.bytes + result.signature)
    }

    /// Makes the entry when a quorum signed the same result of the decided proposal.
    ///
    /// - Returns: whether the next height was opened.
    mutating func certify() -> Bool {
        guard let decided = current.decided else { return false }
        let expectedMembers = ChainState.digest(
            of: chain.membersAfter(decided.decision.proposal))
        var groups: [ResultStatement: [MemberSignature]] = [:]
        for member in current.members {
            guard let result = current.results[member],
                result.proposalDigest == decided.digest,
                result.membersDigest == expectedMembers
            else { continue }
            groups[statement(of: result), default: []].append(
                MemberSignature(member: member, signature: result.signature))
        }
        let quorum = chain.resultQuorum(of: decided.decision.proposal.secure)
        // Two groups of a quorum each would need more signers than there are members.
        guard let group = groups.first(where: { $0.value.count >= quorum }) else {
            return false
        }
        let entry = CertifiedEntry(
            proposal: decided.decision.proposal, commits: decided.decision.certificate,
            result: group.key, signatures: Array(group.value.prefix(quorum)))
        advance(over: entry, bytes: entry.bytes)
        return true
    }

    /// Moves over a verified entry: log, store, clean up, and open the next height.
    mutating func advance(over entry: CertifiedEntry, bytes: [UInt8]) {
        let before = chain.memberSince
        logEntry(entry)
        emit(.persistEntry(height: entry.height, bytes: bytes))
        emit(.forget(keys: recordKeysOfHeight))
        for objectID in current.fetches.keys.sorted() { emit(.cancelFetch(objectID)) }
        if let training, training.round <= entry.proposal.round {
            stopTraining()
            self.training = nil
        }
        let outcome = current.outcome
        if let outcome, outcome.adapterDigest != entry.result.adapterDigest {
            emit(.notify(.resultDiffers(height: entry.height)))
        }
        let isSameAdapter = entry.result.adapterDigest == chain.adapterDigest
        holdsAdapter =
            outcome?.adapterDigest == entry.result.adapterDigest || (isSameAdapter && holdsAdapter)
        if adapterFetch != nil, !isSameAdapter {
            emit(.cancelFetch(chain.adapterDigest))
            adapterFetch = nil
        }
        chain.apply(entry)
        measured = measured.filter { chain.isMember($0.key) }
        reportedLate = reportedLate.filter { $0.round >= chain.completedRoundCount }
        secureRecords = [:]
        current = HeightState(chain: chain, now: now)
        settleWishes()
        learnRevocations(in: entry.proposal)
        notifyAboutEntry(entry, membersBefore: before)
        // Peers learn of the new head with the next step, not a heartbeat later.
        nextStatusAt = now
    }

    private var recordKeysOfHeight: [String] {
        current.announcements.keys.sorted().map(DurableRecord.announcement)
            + current.held.keys.sorted().map(DurableRecord.update)
            + secureRecords.keys.sorted()
            + [DurableRecord.agreement, DurableRecord.result, DurableRecord.secureSum]
    }

    private mutating func logEntry(_ entry: CertifiedEntry) {
        let summed = Set(entry.proposal.participants.map(\.summary.objectID))
        for member in current.announcements.keys.sorted() {
            guard let announcement = current.announcements[member],
                announcement.summary.round == entry.proposal.round,
                !summed.contains(announcement.summary.objectID)
            else { continue }
            reportLate(announcement)
        }
        emit(.appendLog(.certified(entry)))
        for join in entry.proposal.joins {
            emit(.appendLog(.joined(member: join.member, height: entry.height)))
        }
        for departure in entry.proposal.departures {
            emit(
                .appendLog(
                    .departed(
                        member: departure.member, height: entry.height, reason: departure.reason)))
        }
    }

    private mutating func notifyAboutEntry(
        _ entry: CertifiedEntry, membersBefore: [PublicKey: UInt64]
    ) {
        for join in entry.proposal.joins {
            emit(.notify(.memberJoined(join.member, height: entry.height)))
        }
        for departure in entry.proposal.departures {
            emit(
                .notify(
                    .memberLeft(departure.member, height: entry.height, reason: departure.reason)))
        }
        if case .round = entry.proposal.kind, let report = chain.lastRound {
            emit(.notify(.roundCertified(report)))
        }
        guard membersBefore[own] != nil, !chain.isMember(own), isLeaving else { return }
        hasDeparted = true
        emit(.notify(.departed(height: entry.height)))
    }
}
