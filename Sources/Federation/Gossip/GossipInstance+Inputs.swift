internal import Cryptography

/// Others' states: announcements, evidence and bytes.
extension GossipInstance {
    // MARK: Announcements

    /// Takes an announcement: its member's own is a state for the next mean, one that somebody else
    /// brings is compared with what is known.
    mutating func receivedAnnouncement(
        _ announcement: SignedAnnouncement, from peer: PublicKey
    ) throws(RejectReason) {
        let summary = announcement.summary
        guard summary.member != own else { return try remembered(announcement) }
        guard roster.isMember(summary.member) else { throw .notMember }
        // Nothing is remembered of a member, and told to others, that it has not signed.
        guard announcement.isValid(manifest: manifest.digest) else { throw .signatureInvalid }
        note(announcement)
        guard summary.member == peer else { return }
        guard isDrawn(by: peer, inRound: summary.round) else {
            throw refusal(of: announcement, .notDrawn)
        }
        try take(announcement)
    }

    /// Takes an answer to a request for the newest state.
    mutating func receivedReply(
        _ reply: StateReply, from peer: PublicKey
    ) throws(RejectReason) {
        if let yours = reply.yours { try remembered(yours) }
        // What nobody asked for is nobody's answer.
        guard catchUp?.asked.contains(peer) == true else { return }
        catchUp?.answered.insert(peer)
        guard let latest = reply.latest, roster.isMember(peer) else { return }
        guard latest.summary.member == peer else { throw .malformed }
        guard latest.isValid(manifest: manifest.digest) else { throw .signatureInvalid }
        note(latest)
        try take(latest)
    }

    mutating func answer(to peer: PublicKey) {
        let reply = StateReply(latest: ownAnnouncement, yours: seen[peer]?.recent.last)
        send(.stateReply(reply), to: [peer])
    }

    /// An own announcement that others remember: the next one has to be of a later round, also if
    /// this node's store has lost it.
    private mutating func remembered(
        _ announcement: SignedAnnouncement
    ) throws(RejectReason) {
        let round = announcement.summary.round
        guard announcement.summary.member == own, round > progress.round,
            round != ownState?.announcement.summary.round, round > roundFloor
        else { return }
        guard announcement.isValid(manifest: manifest.digest) else { throw .signatureInvalid }
        roundFloor = min(round, roundCount)
        if let training, training.round <= roundFloor, !training.isStopping {
            self.training?.isStopping = true
            emit(.stopTraining(round: training.round))
        }
    }

    /// Lets a state into the inbox, durably, if it may be averaged as far as its announcement
    /// shows.
    private mutating func take(_ announcement: SignedAnnouncement) throws(RejectReason) {
        let summary = announcement.summary
        let member = summary.member
        guard !equivocators.contains(member) else { throw .equivocation }
        guard (1...roundCount).contains(summary.round) else {
            throw refusal(of: announcement, .updateWrongRound)
        }
        guard summary.round > seen[member]?.newestTaken ?? 0 else { throw .replay }
        guard (1...manifest.manifest.ring.weightUnit).contains(summary.exampleCount) else {
            throw refusal(of: announcement, .updateWeightInvalid)
        }
        guard (1...manifest.manifest.updateByteCountMax).contains(summary.byteCount) else {
            throw refusal(of: announcement, .updateTooLarge)
        }
        guard !isFinished else { return }
        if inputs[member] == nil, inputs.count >= settings.groupMemberCountMax - 1 {
            guard let least = leastInput, least.summary.round < summary.round else {
                throw .tooMany
            }
            drop(least.summary.member)
        }
        if let older = inputs[member] { discard(older.summary.objectID) }
        inputs[member] = GossipInput(announcement: announcement)
        seen[member, default: SeenMember()].newestTaken = summary.round
        let bytes = MessageCodec.encode(.announcement(announcement))
        emit(.appendLog(.updateAnnounced(announcement)))
        emit(.persist(key: DurableRecord.taken(member), value: bytes))
        emit(.persist(key: DurableRecord.input(member), value: bytes))
        noteAhead(summary.round)
    }

    /// The input that counts least: the oldest, then that of the fewest examples.
    private var leastInput: GossipInput? {
        inputs.values.min {
            ($0.summary.round, $0.summary.exampleCount, $0.summary.member)
                < ($1.summary.round, $1.summary.exampleCount, $1.summary.member)
        }
    }

    mutating func drop(_ member: PublicKey) {
        guard let input = inputs.removeValue(forKey: member) else { return }
        emit(.forget(keys: [DurableRecord.input(member)]))
        discard(input.summary.objectID)
    }

    /// Drops an object that was on its way into a mean, unless a mean under way needs it.
    private mutating func discard(_ objectID: ObjectID) {
        emit(.cancelFetch(objectID))
        guard mixing?.order.inputs.contains(where: { $0.objectID == objectID }) != true else {
            return
        }
        emit(.discard([objectID]))
    }

    /// Puts the refusal of a signed state on record, once for each member and reason.
    private mutating func refusal(
        of announcement: SignedAnnouncement, _ reason: RejectReason
    ) -> RejectReason {
        let key = PeerInstance.RefusalKey(member: announcement.summary.member, reason: reason)
        if reportedRefusals.count < Limits.reportCount, reportedRefusals.insert(key).inserted {
            emit(.appendLog(.updateRefused(announcement.summary, reason)))
        }
        return reason
    }

    // MARK: Evidence

    /// Compares a valid announcement with those that are remembered of its member and round, and puts two
    /// different ones on record.
    private mutating func note(_ announcement: SignedAnnouncement) {
        let summary = announcement.summary
        guard !equivocators.contains(summary.member), (1...roundCount).contains(summary.round)
        else { return }
        var recent = seen[summary.member]?.recent ?? []
        if let place = recent.firstIndex(where: { $0.summary.round == summary.round }) {
            let known = recent[place]
            if known.summary != summary { reportEquivocation(known, announcement) }
            return
        }
        recent.append(announcement)
        recent.sort { $0.summary.round < $1.summary.round }
        seen[summary.member, default: SeenMember()].recent = recent.suffix(
            SeenMember.recentCountMax)
    }

    private mutating func reportEquivocation(
        _ first: SignedAnnouncement, _ second: SignedAnnouncement
    ) {
        let (member, round) = (first.summary.member, first.summary.round)
        equivocators.insert(member)
        func signed(_ item: SignedAnnouncement) -> [UInt8] {
            SignedAnnouncement.statement(manifest: manifest.digest, summary: item.summary)
                + item.signature
        }
        emit(
            .appendLog(
                .equivocation(
                    Equivocation(
                        member: member, subject: .announcement, height: round, view: 0,
                        first: signed(first), second: signed(second)))))
        emit(.persist(key: DurableRecord.equivocator(member), value: [1]))
        drop(member)
        emit(.notify(.equivocationFound(member, round: round)))
        // Both travel on until everybody has them.
        for item in [first, second] { send(.announcement(item), to: connectedPeers) }
    }

    // MARK: Fetching

    mutating func orderFetches() {
        for member in inputs.keys.sorted() {
            guard var input = inputs[member], !input.isReady else { continue }
            if let fetch = input.fetch {
                guard !fetch.isOrdered, now >= fetch.retryAt else { continue }
            }
            guard peers[member]?.isUsable == true else { continue }
            input.fetch = input.fetch ?? FetchState(retryAt: now)
            input.fetch?.isOrdered = true
            inputs[member] = input
            emit(
                .fetch(
                    FetchOrder(
                        objectID: input.summary.objectID, kind: .state(input.summary),
                        sources: [member])))
        }
    }

    mutating func fetched(_ objectID: ObjectID, _ outcome: FetchOutcome) {
        switch outcome {
        case .adapter:
            guard objectID == progress.state else { return }
            stateFetch = nil
            holdsState = true
        case .update(let verdict):
            guard let member = member(of: objectID), let input = inputs[member] else { return }
            switch verdict {
            case .success(input.summary):
                inputs[member]?.isReady = true
                emit(.appendLog(.updateReceived(input.summary)))
            case .success: refuse(input, .updateNotAsAnnounced)
            case .failure(let reason): refuse(input, reason)
            }
        }
    }

    private mutating func refuse(_ input: GossipInput, _ reason: RejectReason) {
        _ = refusal(of: input.announcement, reason)
        drop(input.summary.member)
    }

    mutating func fetchFailed(_ objectID: ObjectID) {
        if objectID == progress.state { stateFetch?.postpone(now: now) }
        guard let member = member(of: objectID) else { return }
        inputs[member]?.fetch?.postpone(now: now)
        if inputs[member]?.fetch?.failureCount ?? 0 >= GossipTiming.fetchTryCountMax {
            drop(member)
        }
    }

    private func member(of objectID: ObjectID) -> PublicKey? {
        inputs.first { $0.value.summary.objectID == objectID }?.key
    }
}
