internal import Cryptography

/// When to stop waiting. Deadlines are local: they decide who is waited for, never what is agreed.
extension PeerInstance {
    /// Whether the peer is connected and was heard lately.
    func isReachable(_ peer: PublicKey) -> Bool {
        if peer == own { return true }
        guard let state = peers[peer], state.isUsable else { return false }
        return now.seconds(since: state.lastHeardAt) < Timing.silenceSeconds
    }

    /// The members that can be counted on now, this node included if it is one.
    var reachableMembers: [PublicKey] { current.members.filter { isReachable($0) } }

    /// Takes the rate of a fetch into the smoothed one, by time per byte: a slow fetch counts for
    /// what it took.
    mutating func noteTransferRate(_ rate: Double) {
        guard rate.isFinite, rate > 0 else { return }
        guard bytesPerSecond > 0 else {
            bytesPerSecond = rate
            return
        }
        let share = Timing.latestFetchShare
        bytesPerSecond = 1 / ((1 - share) / bytesPerSecond + share / rate)
    }

    /// The other members by whose measurements deadlines go: those that can be reached, and those that
    /// could in the last round, so that a connection which breaks changes no deadline.
    private var othersThatCount: [PublicKey] {
        current.members.filter { $0 != own && (isReachable($0) || !wasAbsent($0)) }
    }

    /// The slowest measured link of this node and the members that count, in bytes per second.
    var slowestRate: Double {
        var rates = bytesPerSecond > 0 ? [bytesPerSecond] : []
        for member in othersThatCount {
            if let rate = measured[member]?.bytesPerSecond, rate > 0 { rates.append(rate) }
        }
        return max(rates.min() ?? Timing.bytesPerSecondAssumed, Timing.bytesPerSecondMin)
    }

    /// The seconds that an update needs to reach the others, with room for two failures.
    private var transferSeconds: Double {
        let announced = current.announcements.values.map(\.summary.byteCount).max()
        let byteCount = announced ?? manifest.manifest.updateByteCountMax
        return min(Timing.transferSecondsMax, 3 * Double(byteCount) / slowestRate)
    }

    /// When the round is to be over whoever dies in it, if enough updates are there.
    var roundDeadline: Timestamp { current.time(after: roundSeconds) }

    /// What the round may take: max(5 s, 2 x median training time + transfer + margin); nothing where the
    /// height is no round.
    ///
    /// The median is the lower one, so that one slow member of two or three does not set it.
    private var roundSeconds: Double {
        guard current.round != nil else { return 0 }
        var speeds = secondsPerStep > 0 && isMember ? [secondsPerStep] : []
        for member in othersThatCount {
            if let speed = measured[member]?.secondsPerStep, speed > 0 { speeds.append(speed) }
        }
        guard !speeds.isEmpty else {
            return Timing.deadlineSecondsUnmeasured
        }
        speeds.sort()
        let median = speeds[(speeds.count - 1) / 2]
        let training = median * Double(manifest.manifest.training.localStepCount)
        return max(
            Timing.deadlineSecondsMin, 2 * training + transferSeconds + Timing.marginSeconds)
    }

    /// When the round stops waiting for updates: before its deadline by what agreement takes, so that
    /// nobody waits longer than one deadline.
    var updateDeadline: Timestamp {
        current.time(after: roundSeconds - Timing.agreementSeconds)
    }

    /// Whether an own training has to end after its current step to arrive before the deadline.
    var mustCutTraining: Bool {
        guard let training, !training.isStopping, training.stepsDone > 0, secondsPerStep > 0
        else { return false }
        let left = manifest.manifest.training.localStepCount - training.stepsDone
        guard left > 0 else { return false }
        let margin = transferSeconds + Timing.marginSeconds / 2
        return now.adding(seconds: secondsPerStep + margin) > updateDeadline
    }

    /// The members whose updates are still worth waiting for before the deadline.
    ///
    /// Not those that said they have none, whose update was refused, that leave, or that were
    /// absent from the last round and cannot be reached: a dead member costs one deadline, not
    /// one a round.
    var awaitedMembers: [PublicKey] {
        let supported = Set(announcedGroupSums.map(\.member))
        return current.members.filter { member in
            guard counts(member) else { return false }
            if let announcement = current.announcements[member] {
                // What too few of a group say is not fetched.
                if isGrouped, !supported.contains(member) { return false }
                let objectID = announcement.summary.objectID
                return current.held[objectID] == nil && current.refused[objectID] == nil
            }
            if current.refusedMembers[member] != nil { return false }
            if member == own {
                return current.ownAbstention == nil && !isLeaving && !(isGrouped && hasLostGroup)
            }
            if pendingLeaves[member] != nil { return false }
            if isReachable(member) { return abstention(of: member) == nil }
            return !wasAbsent(member)
        }
    }

    private func wasAbsent(_ member: PublicKey) -> Bool {
        chain.lastRound?.absences.contains { $0.member == member } ?? false
    }

    func abstention(of member: PublicKey) -> AbsenceReason? {
        guard let status = peers[member]?.status, status.height + 1 == current.height else {
            return nil
        }
        return status.abstention
    }

    /// Whether this node could propose something of its own now.
    var isReadyToPropose: Bool {
        switch current.kind {
        case nil: return false
        case .membership: return membershipChange != nil
        case .round where agreesOnSum: return proposableOutcome != nil
        case .round where isGrouped: return hasGroupsToPropose || proposableOutcome != nil
        case .round:
            guard usableUpdates.count >= max(1, current.participantMinimum), !cedesView else {
                return false
            }
            return awaitedMembers.isEmpty || now >= updateDeadline
        }
    }

    /// Whether this node, the view's proposer, leaves it to the next one: it came late, as after a
    /// restart, and would propose a round without the updates that the others have long had.
    private var cedesView: Bool {
        guard current.proposer(of: current.view) == own, awaitsUpdates, !isGrouped,
            current.headStartSeconds > Timing.agreementSeconds, now >= updateDeadline
        else { return false }
        return awaitedMembers.contains { $0 != own && isReachable($0) }
    }

    /// The time that a view gets: doubled from view to view, so that views come to overlap
    /// whatever the links are.
    private func viewSeconds(_ view: UInt64) -> Double {
        let missing =
            current.accepted?.message.proposal.participants
            .filter { current.held[$0.summary.objectID] == nil }
            .reduce(0) { $0 + $1.summary.byteCount } ?? 0
        let transfer = min(Timing.transferSecondsMax, 2 * Double(missing) / slowestRate)
        let base = max(Timing.viewSecondsMin, transfer + Timing.marginSeconds)
        return max(base, min(Timing.viewSecondsMax, base * Double(1 << min(view, 5))))
    }

    /// When this node gives up on the current view; `nil` while it waits for something else.
    var viewDeadline: Timestamp? {
        guard isMember, current.kind != nil, current.decided == nil,
            reachableMembers.count >= current.quorum
        else { return nil }
        if cedesView { return updateDeadline }
        let seconds = viewSeconds(current.view)
        if let accepted = current.accepted {
            let start = max(accepted.at, current.viewEnteredAt, current.committedAt ?? accepted.at)
            let end = start.adding(seconds: seconds)
            // What its proposer alone had may have died with it.
            guard let lostAt = current.proposerLostAt, lostAt > accepted.at,
                current.committed?.view != current.view
            else { return end }
            return min(end, lostAt.adding(seconds: Timing.viewSecondsUnreachable))
        }
        if let lostAt = current.proposerLostAt {
            guard let due = current.view > 0 ? current.viewEnteredAt : neededAt else { return nil }
            return max(lostAt, due).adding(seconds: Timing.viewSecondsUnreachable)
        }
        if current.view > 0 {
            let start = awaitsUpdates ? updateDeadline : current.viewEnteredAt
            return max(start, current.viewEnteredAt).adding(seconds: seconds)
        }
        guard let readyAt = current.readyAt else { return nil }
        return max(readyAt, updateDeadline).adding(seconds: seconds)
    }

    /// When view 0 needs a proposer that can be reached; `nil` while it does not.
    ///
    /// Shortly before updates are awaited no longer, so that the next one is in place then, and no
    /// earlier: a member that has no connection to the proposer of its own would leave it for nothing.
    private var neededAt: Timestamp? {
        if let readyAt = current.readyAt { return readyAt }
        guard awaitsUpdates else { return nil }
        return current.time(after: roundSeconds - 2 * Timing.agreementSeconds)
    }

    /// Whether nobody can propose yet: the updates are on their way, and no view has a proposal that
    /// the next ones have to repeat.
    private var awaitsUpdates: Bool {
        current.round != nil && !isSecure && current.readyAt == nil && current.committed == nil
            && current.viewChanges.values.allSatisfy { $0.committed == nil }
    }

    /// Notes since when the proposer of the current view cannot be reached.
    mutating func noteProposer() {
        guard !isReachable(current.proposer(of: current.view)) else {
            current.proposerLostAt = nil
            return
        }
        // Who cannot reach enough others is cut off itself.
        let isCutOff = reachableMembers.count < current.quorum
        let lostAt = isCutOff ? now : current.proposerLostAt ?? now
        current.proposerLostAt = max(lostAt, current.viewEnteredAt)
    }
}
