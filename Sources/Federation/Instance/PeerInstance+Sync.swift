internal import Cryptography

/// Making good what was lost: entries for those below, messages for those beside.
extension PeerInstance {
    // MARK: Entries

    mutating func askForChain(_ peer: PublicKey, theirHeight: UInt64) {
        guard theirHeight > chain.height, now >= nextChainRequestAt else { return }
        nextChainRequestAt = now.adding(seconds: Timing.chainRequestSeconds)
        send(.chainRequest(fromHeight: chain.height + 1), to: [peer])
    }

    mutating func serveChain(from height: UInt64, to peer: PublicKey) {
        guard height >= 1, height <= chain.height else { return }
        emit(.sendChain(fromHeight: height, to: peer))
    }

    mutating func receivedChain(
        _ batch: [[UInt8]], from peer: PublicKey
    ) throws(RejectReason) {
        let start = chain.height
        for bytes in batch {
            let entry: CertifiedEntry
            do {
                entry = try CertifiedEntry(bytes: bytes)
            } catch {
                throw .malformed
            }
            guard entry.height > chain.height else { continue }
            try chain.verify(entry)
            advance(over: entry, bytes: bytes)
        }
        guard chain.height > start else { return }
        emit(.notify(.caughtUp(height: chain.height)))
        if let status = peers[peer]?.status, status.height > chain.height {
            nextChainRequestAt = now
            askForChain(peer, theirHeight: status.height)
        }
    }

    // MARK: Messages of the height

    /// Sends a peer at the same height what its heartbeat shows to be missing there, own statements
    /// and those of others alike.
    ///
    /// This is the only form of resending: it makes good losses, restarts, and members that have no
    /// direct connection.
    mutating func supplyMissing(to peer: PublicKey, _ status: StatusReport) {
        guard status.height == chain.height, status.headDigest == chain.headDigest,
            chain.isMember(peer), current.kind != nil
        else { return }
        if let decided = current.decided {
            if !status.isDecided { send(.decision(decided.decision), to: [peer]) }
            for member in current.members(missingIn: status.results) {
                if let result = current.results[member] { send(.result(result), to: [peer]) }
            }
            return
        }
        guard !status.isDecided else { return }
        for member in current.members(missingIn: status.announcements) {
            if let announcement = current.announcements[member] {
                send(.announcement(announcement), to: [peer])
            }
        }
        if status.view <= current.view { supplyView(to: peer, status) }
    }

    private mutating func supplyView(to peer: PublicKey, _ status: StatusReport) {
        let isSameView = status.view == current.view
        let lacking = isSameView ? current.members(missingIn: status.viewChanges) : [own]
        for member in lacking {
            guard current.view > 0, let change = current.viewChanges[member],
                change.view >= current.view
            else { continue }
            let digest = change.committed?.proposalDigest
            send(
                .viewChange(change, proposal: digest.flatMap { current.proposals[$0] }),
                to: [peer])
        }
        if let accepted = current.accepted, !isSameView || !status.holdsProposal {
            send(.propose(accepted.message), to: [peer])
        }
        guard isSameView else { return }
        for member in current.members(missingIn: status.commits) {
            if let commit = current.commit(of: member, view: current.view) {
                send(.commit(commit), to: [peer])
            }
        }
    }
}
