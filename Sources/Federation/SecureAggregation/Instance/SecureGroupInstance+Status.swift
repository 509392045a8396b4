internal import Cryptography

/// Heartbeats, and what is sent again because of them.
extension SecureGroupInstance {
    mutating func sendStatus() {
        guard let index = policy.candidateIndex(of: own) else { return }
        var status = SecureStatus(round: policy.round, manifestDigest: policy.manifestDigest)
        status.joins = MemberSet(
            policy.candidates.enumerated()
                .filter { formation.joins[$0.element] != nil }.map { $0.offset + 1 })
        if let group = formation.group {
            status.group = group.id.bytes
            status.rosterView = group.view
            status.isGroupFinal = formation.finalGroup != nil
            status.rosterAcks = MemberSet(formation.acks.keys)
        }
        round?.describe(in: &status)
        let frame = SecureFrame(
            .status, group: SecureFrame.noGroup, sender: index, view: 0, body: status.bytes,
            signer: signer)
        output.append(
            .send(to: policy.candidates.filter { $0 != own }, bytes: frame.bytes))
    }

    mutating func received(
        status frame: SecureFrame, from peer: PublicKey
    ) throws(SecureRefusal) {
        guard frame.group == SecureFrame.noGroup, frame.view == 0,
            policy.candidates.indices.contains(frame.sender - 1)
        else { throw .malformed }
        guard policy.candidates[frame.sender - 1] == peer else { throw .wrongSender }
        let status = try SecureStatus(frame)
        guard status.manifestDigest == policy.manifestDigest, status.round == policy.round else {
            throw .otherRound
        }
        guard frame.isSigned(by: peer) else { throw .signatureInvalid }
        // One answer for each heartbeat that was due bounds what a peer can ask for.
        if let last = answeredAt[peer], now < last.adding(seconds: answerPause) { return }
        answeredAt[peer] = now
        answerFormation(status, to: peer)
        if let group = formation.finalGroup, status.group == group.id.bytes,
            status.isGroupFinal
        {
            round?.now = now
            round?.answer(status, to: peer)
        }
    }

    private var answerPause: Double { policy.timing.statusSeconds / 2 }

    private mutating func answerFormation(_ status: SecureStatus, to peer: PublicKey) {
        for (offset, candidate) in policy.candidates.enumerated()
        where !status.joins.contains(offset + 1) {
            for entry in formation.joins[candidate] ?? [] { resend(entry.frame, to: peer) }
        }
        guard let group = formation.group, !status.isGroupFinal else { return }
        if status.group == group.id.bytes {
            for (index, ack) in formation.acks.sorted(by: { $0.key < $1.key })
            where !status.rosterAcks.contains(index) {
                resend(ack, to: peer)
            }
        } else if status.rosterView <= group.view, group.index(of: peer) != nil {
            // Its joins may be others than this roster's.
            for entry in group.joins { resend(entry.frame, to: peer) }
            resend(group.frame, to: peer)
        }
    }

    private mutating func resend(_ frame: SecureFrame, to peer: PublicKey) {
        output.append(.send(to: [peer], bytes: frame.bytes))
    }
}
