internal import Cryptography

/// What arrives from peers, each kind handed to the part that knows it.
extension PeerInstance {
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
        case .hello(let hello): try receivedHello(hello, from: peer)
        case .refuse(let reason): emit(.notify(.refusedBy(peer, reason)))
        case .status(let status): receivedStatus(status, from: peer)
        case .join(let join): try receivedJoin(join, from: peer)
        case .leave(let leave): try receivedLeave(leave, from: peer)
        case .announcement(let announcement): try receivedAnnouncement(announcement)
        case .propose(let propose): try receivedPropose(propose)
        case .commit(let commit): try receivedCommit(commit)
        case .viewChange(let change, let proposal):
            try receivedViewChange(change, proposal: proposal)
        case .decision(let decision): try receivedDecision(decision)
        case .result(let result): try receivedResult(result)
        case .chainRequest(let height): serveChain(from: height, to: peer)
        case .chain(let entries): try receivedChain(entries, from: peer)
        case .membership(let share, let digest):
            receivedMembership(share, digest: digest, from: peer)
        case .manifestRequest: send(.manifestReply(manifest.bytes), to: [peer])
        // The last three belong to federations that gossip.
        case .manifestReply, .stateRequest, .stateReply, .roster: break
        }
    }

    /// Logs two statements of one member where one is allowed, once for each place.
    mutating func reportEquivocation(
        _ subject: Equivocation.Subject, of member: PublicKey, height: UInt64, view: UInt64 = 0,
        first: [UInt8], second: [UInt8]
    ) {
        let key = ReportedEquivocation(member: member, subject: subject, view: view)
        guard current.reportedEquivocations.count < Limits.reportCount,
            current.reportedEquivocations.insert(key).inserted
        else { return }
        emit(
            .appendLog(
                .equivocation(
                    Equivocation(
                        member: member, subject: subject, height: height, view: view,
                        first: first, second: second))))
    }
}
