internal import Cryptography

/// Connections, greetings, heartbeats and the roster.
extension GossipInstance {
    mutating func start() {
        startAdmission()
        standingChanged(of: [])
        if !roster.hasJoined(own) {
            // After a leave the next join is of a greater height.
            let height = roster.entries[own].map { $0.join.height + 1 } ?? 0
            let join = SignedJoin(manifest: manifest.digest, height: height, signer: signer)
            learn(RosterShare(joins: [join]))
        }
        beginCatchUp()
        discardOutdated()
    }

    mutating func connected(_ peer: PublicKey) {
        guard peer != own else {
            emit(.refuse(peer, .duplicateIdentity))
            emit(.notify(.duplicateIdentity))
            return
        }
        guard peers[peer] != nil || peers.count < Limits.peerCount else {
            emit(.refuse(peer, .tooMany))
            return
        }
        peers[peer] = PeerState(lastHeardAt: now, isAdmitted: admission.isOpen)
        greet(peer)
        if admission.isOpen { welcome(peer) }
    }

    // MARK: Messages

    mutating func received(_ bytes: [UInt8], from peer: PublicKey) {
        guard peers[peer]?.isRefused == false else { return }
        do throws(RejectReason) {
            let message = try MessageCodec.decode(bytes)
            guard try mayRead(message, from: peer) else { return }
            peers[peer]?.lastHeardAt = now
            try handle(message, from: peer)
        } catch {
            if error.isViolation { refuse(peer, error) }
        }
    }

    private mutating func handle(
        _ message: Message, from peer: PublicKey
    ) throws(RejectReason) {
        switch message {
        case .hello(let hello):
            try hello.check(
                manifest: manifest.digest, baseModel: baseModelDigest, sender: peer)
            try admit(hello, from: peer)
            shareRoster(with: peer, theirs: hello.headDigest)
        case .refuse(let reason): emit(.notify(.refusedBy(peer, reason)))
        case .status(let status):
            peers[peer]?.status = status
            if status.isFinished, roster.isMember(peer) { finishedPeers.insert(peer) }
            shareRoster(with: peer, theirs: status.headDigest)
        case .roster(let share): learn(share)
        case .announcement(let announcement):
            try receivedAnnouncement(announcement, from: peer)
        case .stateRequest: answer(to: peer)
        case .stateReply(let reply): try receivedReply(reply, from: peer)
        case .membership(let share, let digest):
            receivedMembership(share, digest: digest, from: peer)
        case .manifestRequest: send(.manifestReply(manifest.bytes), to: [peer])
        // The rest belongs to federations that certify.
        case .join, .leave, .propose, .commit, .viewChange, .decision, .result, .chainRequest,
            .chain, .manifestReply:
            break
        }
    }

    /// Refuses a peer until it connects anew, and tells it why.
    mutating func refuse(_ peer: PublicKey, _ reason: RejectReason) {
        peers[peer]?.isRefused = true
        let key = PeerInstance.RefusalKey(member: peer, reason: reason)
        if reportedRefusals.count < Limits.reportCount, reportedRefusals.insert(key).inserted {
            emit(.appendLog(.peerRefused(member: peer, reason)))
        }
        tellWhy(reason, to: peer)
        emit(.refuse(peer, reason))
    }

    // MARK: Roster

    /// Takes memberships in, durably, and passes on with the next heartbeat what was new.
    private mutating func learn(_ share: RosterShare) {
        let news = roster.learn(share, manifest: manifest.digest)
        standingChanged(of: [])
        for join in news.joins {
            emit(.appendLog(.joined(member: join.member, height: join.height)))
            if join.member != own { emit(.notify(.memberJoined(join.member, height: join.height))) }
        }
        for leave in news.leaves {
            let (member, height) = (leave.member, leave.memberSince)
            let reason = DepartureReason.announced(leave)
            emit(.appendLog(.departed(member: member, height: height, reason: reason)))
            emit(.notify(.memberLeft(member, height: height, reason: reason)))
        }
        let changed = Set(news.joins.map(\.member) + news.leaves.map(\.member))
        for member in changed.sorted() {
            guard let record = roster.shares(of: [member]).first else { continue }
            emit(
                .persist(
                    key: DurableRecord.roster(member), value: MessageCodec.encode(.roster(record))))
        }
        rosterNews.formUnion(changed)
        if !changed.isEmpty { nextHeartbeatAt = min(nextHeartbeatAt, now.adding(seconds: 0.25)) }
    }

    /// Sends the whole roster to a peer whose own differs, not too often.
    private mutating func shareRoster(with peer: PublicKey, theirs: Digest) {
        guard theirs != roster.digest else { return }
        if let last = rosterSharedAt[peer],
            now.seconds(since: last) < GossipTiming.rosterPauseSeconds
        {
            return
        }
        if rosterSharedAt.count > Limits.peerCount { rosterSharedAt = [:] }
        rosterSharedAt[peer] = now
        for share in roster.shares(of: roster.entries.keys.sorted()) {
            send(.roster(share), to: [peer])
        }
    }

    // MARK: Heartbeats

    /// A heartbeat goes to a few peers in turn, with the news of the roster.
    mutating func beat() {
        let connected = connectedPeers
        // A change of the roster speeds up the next one.
        nextHeartbeatAt = now.adding(seconds: GossipTiming.heartbeatSeconds)
        guard !connected.isEmpty else { return }
        let count = min(1 + settings.fanOut, connected.count)
        let receivers = (0..<count).map { connected[(heartbeatCount + $0) % connected.count] }
        heartbeatCount += count
        sendStatus(to: receivers)
        let news = rosterNews.sorted()
        rosterNews = []
        for share in roster.shares(of: news) { send(.roster(share), to: receivers) }
        push()
    }

    /// The round, the roster's digest, and whether the rounds are over.
    func status(isFinished: Bool) -> StatusReport {
        var status = StatusReport(height: progress.round, headDigest: roster.digest)
        status.isFinished = isFinished
        status.isLeaving = isLeaving
        status.holdsAdapter = holdsState
        status.secondsPerStep = secondsPerStep
        return status
    }

    mutating func sendStatus(to receivers: [PublicKey]) {
        send(
            .status(status(isFinished: isFinished)),
            to: receivers.filter { peers[$0]?.isUsable == true })
    }

    // MARK: Leaving

    mutating func leave() {
        guard !isLeaving else { return }
        isLeaving = true
        if let training, !training.isStopping {
            self.training?.isStopping = true
            emit(.stopTraining(round: training.round))
        }
        if let entry = roster.entries[own], entry.leave == nil {
            let leave = SignedLeave(
                manifest: manifest.digest, memberSince: entry.join.height, signer: signer)
            learn(RosterShare(leaves: [leave]))
            for share in roster.shares(of: [own]) { send(.roster(share), to: connectedPeers) }
        }
        emit(.notify(.departed(height: progress.round)))
    }
}
