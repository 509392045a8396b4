internal import Cryptography

/// Training, announcing and averaging.
extension GossipInstance {
    // MARK: The own state

    /// Brings the own state into the store and says once what it is.
    ///
    /// Only the first adapter can be missing: where a CPU draws other bits it comes from a peer.
    mutating func takeOverState() {
        guard holdsState else {
            if let stateFetch, stateFetch.isOrdered || now < stateFetch.retryAt { return }
            stateFetch = stateFetch ?? FetchState(retryAt: now)
            stateFetch?.isOrdered = true
            emit(
                .fetch(
                    FetchOrder(
                        objectID: progress.state, kind: .adapter, sources: connectedPeers)))
            return
        }
        guard !hasAdopted else { return }
        hasAdopted = true
        emit(.adopt(adapter: progress.state, height: 0, round: progress.round))
    }

    // MARK: Training

    /// Starts what the round needs: training, or after the last training round the state as it is.
    mutating func directTraining() {
        guard training == nil, ownState == nil, mixing == nil, catchUp == nil, holdsState,
            hasAdopted, !isLeaving, nextRound <= roundCount, isGathered, now >= trainingRetryAt
        else { return }
        training = TrainingState(round: nextRound)
        if nextRound <= trainedRoundCount, untrainedRound != nextRound {
            emit(.startTraining(round: nextRound, base: progress.state))
            emit(.notify(.roundStarted(round: nextRound, base: progress.state)))
        } else {
            emit(
                .publish(
                    round: nextRound, state: progress.state,
                    exampleCount: min(
                        max(1, progress.exampleCount), manifest.manifest.ring.weightUnit)))
        }
    }

    /// Whether as many members are in as the manifest wants before the first round.
    private var isGathered: Bool {
        progress.round > 0 || roundFloor > 0 || !inputs.isEmpty
            || roster.members.count >= manifest.manifest.membership.startMemberCount
    }

    /// The own state is in the store: puts it on record and only then tells the drawn members.
    mutating func stateReady(round: UInt64, state: ObjectID, summary: UpdateSummary) {
        guard summary.member == own, summary.round == round else {
            preconditionFailure("a state of \(summary.member) in round \(summary.round)")
        }
        guard training?.round == round else { return }
        training = nil
        untrainedRound = nil
        // Meanwhile a remembered announcement of an earlier life may have come: not this one again.
        guard round == nextRound, summary.baseAdapterDigest == progress.state else { return }
        let announcement = SignedAnnouncement(
            manifest: manifest.digest, summary: summary, signer: signer)
        let bytes = MessageCodec.encode(.announcement(announcement))
        ownState = OwnState(state: state, announcement: announcement, announcedAt: now)
        ownAnnouncement = announcement
        emit(.appendLog(.updateAnnounced(announcement)))
        emit(.persist(key: DurableRecord.ownState, value: state.bytes + bytes))
        emit(.persist(key: DurableRecord.ownAnnouncement, value: bytes))
        push()
    }

    /// Sends the own announcement to drawn members that can be reached.
    ///
    /// The first ones, and the next in the draw for those that cannot; in groups everybody of the
    /// group is drawn.
    mutating func push() {
        guard let ownState else { return }
        let isGroup = settings.kind == .groups
        let wanted =
            (isGroup ? settings.groupMemberCountMax - 1 : settings.fanOut)
            - ownState.receivers.count
        guard wanted > 0 else { return }
        let targets = places(inRound: ownState.announcement.summary.round)
            .filter { peers[$0]?.isUsable == true && !ownState.receivers.contains($0) }
            .prefix(wanted)
        guard !targets.isEmpty else { return }
        self.ownState?.receivers.formUnion(targets)
        send(.announcement(ownState.announcement), to: Array(targets))
        // What went into this state, so that a member that told others something else is found out.
        for witness in lastInputs { send(.announcement(witness), to: Array(targets)) }
    }

    /// The members that a state of that round may be pushed to, in the order of the draw.
    func places(inRound round: UInt64) -> [PublicKey] {
        switch settings.kind {
        case .groups: groups(inRound: round).peers(of: own, among: roster.candidates)
        case .gossip, .group:
            draw(round: round).targets(
                among: roster.candidates, count: settings.fanOut * GossipDraw.placesPerTarget)
        }
    }

    /// Whether the draw of that round gives a member's state to this node.
    func isDrawn(by sender: PublicKey, inRound round: UInt64) -> Bool {
        switch settings.kind {
        case .groups:
            return groups(inRound: round).areNear(own, sender, among: roster.candidates)
        case .gossip, .group:
            let draw = GossipDraw(
                manifestDigest: manifest.digest, round: round, sender: sender)
            return draw.place(of: own, among: roster.candidates)
                < settings.fanOut * GossipDraw.placesPerTarget
        }
    }

    private func groups(inRound round: UInt64) -> GroupDraw {
        GroupDraw(
            manifestDigest: manifest.digest, round: round,
            memberCountMax: settings.groupMemberCountMax)
    }

    private func draw(round: UInt64) -> GossipDraw {
        GossipDraw(manifestDigest: manifest.digest, round: round, sender: own)
    }

    // MARK: Averaging

    /// The states that are here and count.
    private var readyInputs: [GossipInput] {
        inputs.values.filter(\.isReady).sorted { $0.summary.member < $1.summary.member }
    }

    /// Orders a mean: after an own announcement, and in a catch-up before the first.
    mutating func orderMix() {
        guard mixing == nil, holdsState, training == nil else { return }
        if let mixRetryAt, now < mixRetryAt { return }
        let ready = readyInputs
        let order: MixOrder
        if let ownState {
            guard catchUp == nil, !isWorthWaiting(ready) else { return }
            order = MixOrder(
                round: ownState.announcement.summary.round, member: own,
                ownState: ownState.state,
                ownExampleCount: ownState.announcement.summary.exampleCount,
                inputs: ready.map(\.summary), memberCount: roster.members.count)
        } else {
            guard let catchUp, !isUnderWay(catchUp), !ready.isEmpty else { return }
            order = MixOrder(
                round: progress.round, member: own, ownState: progress.state,
                ownExampleCount: progress.exampleCount, inputs: ready.map(\.summary),
                memberCount: roster.members.count)
        }
        mixRetryAt = nil
        mixing = Mixing(order: order, announcements: ready.map(\.announcement))
        if !order.inputs.isEmpty { emit(.mix(order)) }
    }

    /// Whether the mean still waits for something to arrive: one state and the end of all fetches, or
    /// in groups as many states as members of the group were reached.
    private func isWorthWaiting(_ ready: [GossipInput]) -> Bool {
        guard let ownState, peers.values.contains(where: \.isUsable) else { return false }
        let wanted = settings.kind == .groups ? ownState.receivers.count : 1
        guard ready.count < max(wanted, 1) || ready.count < inputs.count else { return false }
        return now.seconds(since: ownState.announcedAt) < GossipTiming.mixSeconds
    }

    /// A mean of the own state alone needs no work outside.
    mutating func advanceAlone() {
        guard let mixing, mixing.order.inputs.isEmpty else { return }
        advance(
            mixing, adapter: mixing.order.ownState, distance: nil,
            exampleCount: mixing.order.ownExampleCount)
    }

    mutating func mixed(round: UInt64, _ outcome: MixOutcome) {
        guard let mixing, mixing.order.round == round else { return }
        advance(
            mixing, adapter: outcome.adapterDigest, distance: outcome.distance,
            exampleCount: mixing.order.exampleCount(halfLife: settings.stalenessHalfLife))
    }

    /// Takes a mean over: what was averaged is put on record and forgotten, the round grows.
    private mutating func advance(
        _ done: Mixing, adapter: ObjectID, distance: ConsensusDistance?, exampleCount: Int
    ) {
        let order = done.order
        // A newer state of the same member may have come meanwhile and waits for the next mean.
        let used = done.announcements.filter { inputs[$0.summary.member]?.announcement == $0 }
            .map(\.summary.member)
        let record = MixRecord(
            order: order, adapterDigest: adapter,
            distance: distance
                ?? ConsensusDistance(
                    value: 0, meanNorm: 0, sampleCount: order.countedStateCount),
            signatures: done.announcements.map(\.signature))
        emit(.appendLog(.mixed(record)))
        let previous = progress.state
        // One state says nothing about how far the others are.
        let estimate = distance.flatMap { $0.sampleCount > 1 ? $0 : nil }
        progress = GossipProgress(
            round: min(max(order.newestRound, progress.round), roundCount), state: adapter,
            exampleCount: exampleCount, distance: estimate ?? progress.distance)
        emit(.persist(key: DurableRecord.progress, value: progress.bytes))
        emit(
            .forget(
                keys: [DurableRecord.ownState] + used.map { DurableRecord.input($0) }))
        lastInputs = done.announcements
        for member in used { inputs[member] = nil }
        retain(
            [previous, order.ownState] + order.inputs.map(\.objectID)
                + [ownState?.announcement.summary.objectID].compactMap { $0 },
            round: progress.round)
        ownState = nil
        catchUp = nil
        mixing = nil
        emit(.adopt(adapter: adapter, height: 0, round: progress.round))
        emit(
            .notify(
                .stateMixed(
                    round: progress.round, inputCount: order.inputs.count, distance: estimate)))
    }

    /// Notes the objects of a round and drops those of the oldest ones.
    private mutating func retain(_ objects: [ObjectID], round: UInt64) {
        // What exceeded the bound was dropped the last time; only a crash makes that twice.
        retained = retained.suffix(retainedRoundCount)
        retained.append(RetainedRound(round: round, objects: objects))
        emit(.persist(key: DurableRecord.retained, value: RetainedRound.bytes(of: retained)))
        discardOutdated()
    }

    /// Drops the objects of rounds beyond those that are retained.
    mutating func discardOutdated() {
        let kept = Set(retained.suffix(retainedRoundCount).flatMap(\.objects))
            .union(inputs.values.map(\.summary.objectID))
            .union([progress.state, manifest.manifest.initialAdapterDigest])
            .union([ownState?.state, ownAnnouncement?.summary.objectID].compactMap { $0 })
        let outdated = retained.dropLast(retainedRoundCount).flatMap(\.objects)
        let doomed = Set(outdated).subtracting(kept).sorted { $0 < $1 }
        if !doomed.isEmpty { emit(.discard(doomed)) }
    }

    // MARK: Catching up

    /// Asks some members for their newest state, and ends the asking when they have answered.
    mutating func directCatchUp() {
        guard let current = catchUp else { return }
        if current.asked.count < CatchUp.memberCount {
            let members = connectedPeers.filter { roster.isMember($0) }
            let open = draw(round: nextRound).targets(among: members, count: .max)
                .filter { !current.asked.contains($0) }
                .prefix(CatchUp.memberCount - current.asked.count)
            if !open.isEmpty {
                catchUp?.asked.formUnion(open)
                send(.stateRequest, to: Array(open))
            }
        }
        guard let asked = catchUp, !isUnderWay(asked), mixing == nil,
            ownState != nil || !inputs.values.contains(where: \.isReady)
        else { return }
        catchUp = nil
    }

    /// Whether answers, or the states that they named, may still come.
    private func isUnderWay(_ catchUp: CatchUp) -> Bool {
        guard now.seconds(since: catchUp.since) < GossipTiming.catchUpSeconds else {
            return inputs.values.contains { !$0.isReady && $0.fetch?.isOrdered == true }
                && now.seconds(since: catchUp.since) < 10 * GossipTiming.catchUpSeconds
        }
        let wanted = min(CatchUp.memberCount, max(1, roster.members.count - 1))
        return catchUp.answered.count < wanted || inputs.values.contains { !$0.isReady }
    }

    /// Begins a catch-up when a member is ahead by more than two half-lives.
    mutating func noteAhead(_ round: UInt64) {
        let reach = progress.round + 2 * UInt64(settings.stalenessHalfLife)
        guard round > reach, catchUp == nil, now >= nextCatchUpAt else { return }
        beginCatchUp()
    }

    mutating func beginCatchUp() {
        catchUp = CatchUp(since: now)
        nextCatchUpAt = now.adding(seconds: GossipTiming.catchUpPauseSeconds)
    }
}
