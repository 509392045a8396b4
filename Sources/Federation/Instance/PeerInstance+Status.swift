internal import Cryptography

/// What users are told.
extension PeerInstance {
    /// Reports changes of membership, quorum and the end of the run, each once.
    mutating func report() {
        if isMember, case .membership = current.kind, reportedMemberCount != chain.members.count {
            reportedMemberCount = chain.members.count
            emit(
                .notify(
                    .waitingForMembers(
                        present: chain.members.count, needed: chain.memberCountNeeded)))
        }
        reportQuorum()
        if chain.isFinished, adoptedHeight == chain.height, everyMemberHasFinal,
            !hasReportedEveryFinal
        {
            hasReportedEveryFinal = true
            emit(.notify(.everyMemberHasFinal))
        }
    }

    private mutating func reportQuorum() {
        let reachable = reachableMembers.count
        guard isMember, current.round != nil, reachable < current.quorum else {
            belowQuorumSince = nil
            if hasReportedBelowQuorum {
                hasReportedBelowQuorum = false
                emit(.notify(.quorumRestored(reachable: reachable, needed: current.quorum)))
            }
            return
        }
        let since = belowQuorumSince ?? now
        belowQuorumSince = since
        guard !hasReportedBelowQuorum,
            now.seconds(since: since) >= Timing.quorumGraceSeconds
        else { return }
        hasReportedBelowQuorum = true
        emit(.notify(.belowQuorum(reachable: reachable, needed: current.quorum)))
    }

    /// Whether every other member that was not silent at the end holds the final entry.
    private var everyMemberHasFinal: Bool {
        chain.isFinished
            && chain.members.allSatisfy {
                $0 == own || finishedPeers.contains($0) || chain.silentRoundCounts[$0] != nil
            }
    }

    private var phase: PeerStatus.Phase {
        if chain.isFinished { return .finished }
        if hasDeparted { return .departed }
        guard isMember else { return .joining }
        if case .membership = current.kind { return .gathering }
        if current.decided != nil { return .decided }
        if let committed = current.committed, committed.view == current.view { return .committed }
        return .collecting
    }

    /// Where the node stands at that time.
    public func status(now: Timestamp) -> PeerStatus {
        let isCollecting = current.round != nil && isMember && current.decided == nil
        let deadline = agreesOnSum ? updateDeadline : isGrouped ? groupDeadline : roundDeadline
        return PeerStatus(
            phase: phase, height: chain.height, completedRoundCount: chain.completedRoundCount,
            view: current.view, adapterDigest: chain.adapterDigest, holdsAdapter: holdsAdapter,
            headDigest: chain.headDigest, members: chain.members,
            reachableMembers: reachableMembers, lastRound: chain.lastRound,
            secondsToDeadline: isCollecting ? deadline.seconds(since: now) : 0,
            everyMemberHasFinal: everyMemberHasFinal, gossip: nil)
    }
}
