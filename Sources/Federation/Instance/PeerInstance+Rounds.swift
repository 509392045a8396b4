internal import Cryptography

/// Training, announcements and the bytes of updates.
extension PeerInstance {
    // MARK: Training

    /// Starts the training that the height needs and ends one that it does not.
    mutating func directTraining() {
        let wanted = wantedTrainingRound
        if let training, training.round != wanted {
            stopTraining()
            if training.round != current.round { self.training = nil }
        }
        if let wanted, training == nil {
            training = TrainingState(round: wanted)
            emit(.startTraining(round: wanted, base: chain.adapterDigest))
            emit(.notify(.roundStarted(round: wanted, base: chain.adapterDigest)))
        } else if mustCutTraining {
            stopTraining()
        }
    }

    private var wantedTrainingRound: UInt64? {
        guard isMember, !isLeaving, let round = current.round, adoptedHeight == chain.height,
            current.announcements[own] == nil, current.ownAbstention == nil,
            current.decided == nil, !isSecure || wantsContribution
        else { return nil }
        return round
    }

    mutating func stopTraining() {
        guard let training, !training.isStopping else { return }
        self.training?.isStopping = true
        emit(.stopTraining(round: training.round))
    }

    mutating func trainingProgressed(round: UInt64, stepsDone: Int, secondsPerStep: Double) {
        if secondsPerStep.isFinite, secondsPerStep > 0 { self.secondsPerStep = secondsPerStep }
        guard training?.round == round else { return }
        training?.stepsDone = max(0, stepsDone)
    }

    /// An own update is in the store.
    ///
    /// If its round is over it is put on record as late.
    mutating func updateReady(round: UInt64, summary: UpdateSummary) {
        guard summary.member == own, summary.round == round else {
            preconditionFailure("an update of \(summary.member) for round \(summary.round)")
        }
        if training?.round == round { training = nil }
        let announcement = SignedAnnouncement(
            manifest: manifest.digest, summary: summary, signer: signer)
        guard round == current.round, summary.baseAdapterDigest == chain.adapterDigest else {
            reportLate(announcement)
            return
        }
        guard current.announcements[own] == nil else { return }
        current.held[summary.objectID] = summary
        emit(.appendLog(.updateReceived(summary)))
        emit(
            .persist(
                key: DurableRecord.update(summary.objectID),
                value: DurableRecord.bytes(of: summary)))
        keep(announcement)
        sendToMembers(.announcement(announcement))
        groupSumStored(summary)
    }

    // MARK: Announcements

    private mutating func keep(_ announcement: SignedAnnouncement) {
        let member = announcement.summary.member
        current.announcements[member] = announcement
        emit(.appendLog(.updateAnnounced(announcement)))
        emit(
            .persist(
                key: DurableRecord.announcement(member),
                value: MessageCodec.encode(.announcement(announcement))))
    }

    mutating func receivedAnnouncement(
        _ announcement: SignedAnnouncement
    ) throws(RejectReason) {
        let summary = announcement.summary
        if let known = current.announcements[summary.member], known == announcement { return }
        if let round = chain.lastRound, summary.round == round.round {
            try receivedLate(announcement, round: round)
            return
        }
        guard current.round != nil, !agreesOnSum else { throw .updateWrongRound }
        guard counts(summary.member) else { throw .notMember }
        do throws(RejectReason) {
            try chain.check(announcement)
        } catch {
            guard error == .updateWeightInvalid || error == .updateTooLarge else { throw error }
            // Its own signature says so: this member has no part in the round.
            guard current.refusedMembers.updateValue(error, forKey: summary.member) == nil else {
                return
            }
            emit(.appendLog(.updateRefused(summary, error)))
            return
        }
        guard let known = current.announcements[summary.member] else {
            keep(announcement)
            return
        }
        reportEquivocation(
            .announcement, of: summary.member, height: summary.round,
            first: signedBytes(known), second: signedBytes(announcement))
    }

    private func signedBytes(_ announcement: SignedAnnouncement) -> [UInt8] {
        SignedAnnouncement.statement(manifest: manifest.digest, summary: announcement.summary)
            + announcement.signature
    }

    private mutating func receivedLate(
        _ announcement: SignedAnnouncement, round: RoundReport
    ) throws(RejectReason) {
        let member = announcement.summary.member
        guard chain.isMember(member), !round.participants.contains(announcement.summary),
            !reportedLate.contains(LateKey(member: member, round: round.round))
        else { return }
        guard announcement.isValid(manifest: manifest.digest) else { throw .signatureInvalid }
        reportLate(announcement)
    }

    mutating func reportLate(_ announcement: SignedAnnouncement) {
        let summary = announcement.summary
        guard reportedLate.count < Limits.reportCount,
            reportedLate.insert(LateKey(member: summary.member, round: summary.round)).inserted
        else { return }
        emit(.appendLog(.updateLate(announcement)))
        if summary.member == own { emit(.notify(.ownUpdateLate(round: summary.round))) }
    }

    // MARK: Fetching

    /// The updates whose bytes the height may still need.
    private var wantedUpdates: [UpdateSummary] {
        guard isMember || current.decided != nil else { return [] }
        let decided = current.decided?.decision.proposal
        if let decided { return decided.participants.map(\.summary) }
        let announced =
            isGrouped
            ? announcedGroupSums
            : current.members.filter(counts).compactMap { current.announcements[$0]?.summary }
        let proposed =
            current.accepted?.message.proposal.participants.map(\.summary).filter {
                !announced.contains($0)
            } ?? []
        let required = requiredProposal?.participants.map(\.summary) ?? []
        return announced + proposed + required.filter { !announced.contains($0) }
    }

    mutating func orderFetches() {
        for summary in wantedUpdates {
            let objectID = summary.objectID
            guard current.held[objectID] == nil, current.refused[objectID] == nil else {
                continue
            }
            if let fetch = current.fetches[objectID] {
                guard !fetch.isOrdered, now >= fetch.retryAt else { continue }
            }
            let sources = sources(of: summary)
            guard !sources.isEmpty else { continue }
            current.fetches[objectID, default: FetchState(retryAt: now)].isOrdered = true
            emit(
                .fetch(
                    FetchOrder(objectID: objectID, kind: .update(summary), sources: sources)))
        }
    }

    /// Its trainer first, then the proposer, then everybody else that can be reached.
    private func sources(of summary: UpdateSummary) -> [PublicKey] {
        let proposer = current.proposer(of: current.view)
        return connectedMembers.sorted { left, right in
            let leftRank = left == summary.member ? 0 : left == proposer ? 1 : 2
            let rightRank = right == summary.member ? 0 : right == proposer ? 1 : 2
            return (leftRank, left) < (rightRank, right)
        }
    }

    mutating func fetched(_ objectID: ObjectID, _ outcome: FetchOutcome) {
        switch outcome {
        case .adapter:
            if objectID == chain.adapterDigest {
                adapterFetch = nil
                holdsAdapter = true
            }
        case .update(let result):
            let wanted = wantedUpdates.first { $0.objectID == objectID }
            current.fetches[objectID] = nil
            guard let wanted else { return }
            switch result {
            case .success(let summary)
            where summary == wanted || isGrouped && summary.byteCount == wanted.byteCount:
                current.held[objectID] = wanted
                emit(.appendLog(.updateReceived(wanted)))
                emit(
                    .persist(
                        key: DurableRecord.update(objectID),
                        value: DurableRecord.bytes(of: wanted)))
            case .success: refuseUpdate(wanted, .updateNotAsAnnounced)
            case .failure(let reason): refuseUpdate(wanted, reason)
            }
        }
    }

    private mutating func refuseUpdate(_ summary: UpdateSummary, _ reason: RejectReason) {
        guard current.refused.updateValue(reason, forKey: summary.objectID) == nil else { return }
        emit(.appendLog(.updateRefused(summary, reason)))
    }

    mutating func fetchFailed(_ objectID: ObjectID) {
        if var fetch = current.fetches[objectID] {
            fetch.postpone(now: now)
            current.fetches[objectID] = fetch
        }
        if objectID == chain.adapterDigest { adapterFetch?.postpone(now: now) }
    }

    // MARK: The certified adapter

    /// Brings the chain's adapter into the store and adopts it.
    mutating func takeOverAdapter() {
        guard adoptedHeight != chain.height else { return }
        guard holdsAdapter else {
            if let adapterFetch, adapterFetch.isOrdered || now < adapterFetch.retryAt { return }
            let holders = peers.keys.sorted().filter { peers[$0]?.isUsable == true }
            let sources =
                holders.filter { holdsCertifiedAdapter($0) }
                + holders.filter { !holdsCertifiedAdapter($0) }
            adapterFetch = adapterFetch ?? FetchState(retryAt: now)
            adapterFetch?.isOrdered = true
            emit(
                .fetch(
                    FetchOrder(objectID: chain.adapterDigest, kind: .adapter, sources: sources)))
            return
        }
        emit(.persist(key: DurableRecord.adapter, value: chain.adapterDigest.bytes))
        emit(
            .adopt(
                adapter: chain.adapterDigest, height: chain.height,
                round: chain.completedRoundCount))
        adoptedHeight = chain.height
        if chain.isFinished { emit(.finished(height: chain.height)) }
    }

    private func holdsCertifiedAdapter(_ peer: PublicKey) -> Bool {
        guard let status = peers[peer]?.status else { return false }
        return status.height == chain.height && status.holdsAdapter
    }
}

extension FetchState {
    /// Plans the next try after a failure.
    mutating func postpone(now: Timestamp) {
        isOrdered = false
        let seconds = Timing.fetchRetrySeconds * Double(1 << min(failureCount, 8))
        failureCount += 1
        retryAt = now.adding(seconds: min(seconds, Timing.fetchRetrySecondsMax))
    }
}
