internal import Cryptography

/// Joining, leaving, and what the next entry is to say about both.
extension PeerInstance {
    /// Joins and departures of a membership entry.
    struct MembershipChange {
        let joins: [SignedJoin]
        let departures: [Proposal.Departure]
    }

    /// A node that is no member asks to be one, once it has caught up with its peers.
    mutating func askToJoin() {
        guard !isMember, !isLeaving, !hasDeparted, !chain.isFinished, now >= nextJoinAt,
            admission.mayTrain(own, at: now)
        else { return }
        let highest = peers.values.compactMap { $0.status?.height }.max()
        guard let highest, chain.height >= highest else { return }
        nextJoinAt = now.adding(seconds: Timing.joinSeconds)
        let join = SignedJoin(manifest: manifest.digest, height: chain.height, signer: signer)
        send(.join(join), to: peers.keys.sorted())
    }

    /// Keeps a valid wish and hands it on once in a while: the joiner may know only one peer,
    /// and that one may be no member yet either.
    mutating func receivedJoin(_ join: SignedJoin, from peer: PublicKey) throws(RejectReason) {
        if let known = pendingJoins[join.member], known.join == join {
            pendingJoins[join.member]?.lastSeenAt = now
        } else {
            try chain.check(join)
            guard admission.mayTrain(join.member, at: now) else { throw .notMember }
            pendingJoins = pendingJoins.filter {
                now.seconds(since: $0.value.lastSeenAt) < Timing.joinLifetimeSeconds
            }
            guard pendingJoins.count < Limits.pendingJoinCount || pendingJoins[join.member] != nil
            else { throw .tooMany }
            pendingJoins[join.member] = PendingJoin(
                join: join, lastSeenAt: now, forwardedAt: Timestamp(milliseconds: 0))
        }
        guard peer == join.member, let pending = pendingJoins[join.member],
            now.seconds(since: pending.forwardedAt) >= Timing.joinSeconds / 2
        else { return }
        pendingJoins[join.member]?.forwardedAt = now
        let others = peers.keys.filter { $0 != peer && peers[$0]?.isUsable == true }
        send(.join(join), to: others.sorted())
    }

    mutating func leave() {
        guard !isLeaving else { return }
        isLeaving = true
        if let training, !training.isStopping {
            self.training?.isStopping = true
            emit(.stopTraining(round: training.round))
        }
        sendLeave()
        if !isMember { hasDeparted = true }
    }

    mutating func sendLeave() {
        guard let since = chain.memberSince[own] else { return }
        let leave = SignedLeave(manifest: manifest.digest, memberSince: since, signer: signer)
        pendingLeaves[own] = leave
        sendToMembers(.leave(leave))
    }

    mutating func receivedLeave(
        _ leave: SignedLeave, from peer: PublicKey
    ) throws(RejectReason) {
        guard pendingLeaves[leave.member] != leave else { return }
        try chain.check(leave)
        pendingLeaves[leave.member] = leave
        send(.leave(leave), to: connectedMembers.filter { $0 != peer && $0 != leave.member })
    }

    /// The pending joins that would be valid in the next entry, in ascending order.
    private var validJoins: [SignedJoin] {
        pendingJoins.values
            .filter { now.seconds(since: $0.lastSeenAt) < Timing.joinLifetimeSeconds }
            .map(\.join)
            .filter { join in
                !chain.isMember(join.member) && admission.mayTrain(join.member, at: now)
                    && join.height <= chain.height
                    && join.height >= chain.departureHeights[join.member, default: 0]
            }
            .sorted { $0.member < $1.member }
    }

    /// What the next entry is to say about membership, given a round's absences.
    func membershipChange(absences: [RoundReport.Absence]) -> MembershipChange {
        var departures = pendingLeaves.values
            .filter { chain.memberSince[$0.member] == $0.memberSince }
            .map { Proposal.Departure(member: $0.member, reason: .announced($0)) }
        // The last member cannot leave: a chain without members could never go on.
        if departures.count == chain.members.count { departures.removeAll { $0.member == own } }
        var leaving = Set(departures.map(\.member))
        departures += revokedDepartures.filter { leaving.insert($0.member).inserted }
        departures += chain.silentDepartures(absences: absences).filter {
            !leaving.contains($0.member)
        }
        departures.sort { $0.member < $1.member }
        let room = Manifest.memberCountMax - (chain.members.count - departures.count)
        return MembershipChange(joins: Array(validJoins.prefix(room)), departures: departures)
    }

    /// A membership entry that is allowed and worth it now.
    var membershipChange: MembershipChange? {
        let change = membershipChange(absences: [])
        let count = chain.members.count - change.departures.count + change.joins.count
        if !change.departures.isEmpty { return change }
        return !change.joins.isEmpty && count >= chain.memberCountNeeded ? change : nil
    }

    /// Drops wishes that an entry has fulfilled or outdated.
    mutating func settleWishes() {
        pendingJoins = pendingJoins.filter { !chain.isMember($0.key) }
        pendingLeaves = pendingLeaves.filter { chain.memberSince[$0.key] == $0.value.memberSince }
    }
}
