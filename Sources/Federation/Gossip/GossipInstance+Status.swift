internal import Cryptography

/// What users are told.
extension GossipInstance {
    /// Reports waiting and the end of the run, each once.
    mutating func report() {
        let needed = manifest.manifest.membership.startMemberCount
        if progress.round == 0, roster.members.count < needed,
            reportedMemberCount != roster.members.count
        {
            reportedMemberCount = roster.members.count
            emit(.notify(.waitingForMembers(present: roster.members.count, needed: needed)))
        }
        guard isFinished, hasAdopted else { return }
        if !hasReportedEnd {
            hasReportedEnd = true
            emit(.finished(height: 0))
            sendStatus(to: connectedPeers)
        }
        if everyMemberIsFinished, !hasReportedEveryFinal {
            hasReportedEveryFinal = true
            emit(.notify(.everyMemberHasFinal))
        }
    }

    private var everyMemberIsFinished: Bool {
        isFinished && roster.members.allSatisfy { $0 == own || finishedPeers.contains($0) }
    }

    private var phase: PeerStatus.Phase {
        if isLeaving { return .departed }
        if isFinished { return .finished }
        if catchUp != nil { return .joining }
        return training == nil && ownState == nil ? .gathering : .collecting
    }

    /// The peers to which a connection is of use.
    private var wantedPeers: [PublicKey] {
        let members = roster.members
        guard members.count > Limits.meshMemberCount else { return members }
        var wanted: Set<PublicKey> = []
        for round in [nextRound, nextRound + 1] {
            let count = settings.kind == .groups ? .max : settings.fanOut + 1
            wanted.formUnion(places(inRound: round).prefix(count))
        }
        // The ring keeps the federation in one piece, whatever is drawn.
        if let place = members.firstIndex(of: own) {
            for step in 1...Limits.neighborCount {
                wanted.insert(members[(place + step) % members.count])
                wanted.insert(members[(place + members.count - step) % members.count])
            }
        }
        // States are pulled from those that announced them.
        wanted.formUnion(inputs.keys)
        wanted.remove(own)
        return wanted.sorted()
    }

    /// Where the node stands at that time.
    public func status(now: Timestamp) -> PeerStatus {
        PeerStatus(
            phase: phase, height: 0, completedRoundCount: progress.round, view: 0,
            adapterDigest: progress.state, holdsAdapter: holdsState,
            headDigest: roster.digest, members: roster.members,
            reachableMembers: roster.members.filter { $0 == own || peers[$0] != nil },
            lastRound: nil, secondsToDeadline: 0, everyMemberHasFinal: everyMemberIsFinished,
            gossip: GossipStatus(
                distance: progress.distance, roundCount: roundCount,
                pendingCount: inputs.count, equivocators: equivocators.sorted(),
                wantedPeers: wantedPeers))
    }
}
