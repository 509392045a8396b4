internal import Cryptography
internal import SwiftProtobuf

/// Wire messages to values; anything out of its bounds is malformed.
extension MessageCodec {
    static func hello(_ wire: WireHello) throws(RejectReason) -> Hello {
        Hello(
            protocolVersion: wire.protocolVersion,
            manifestDigest: try digest(wire.manifestDigest),
            baseModelDigest: try digest(wire.baseModelDigest),
            publicKey: try key(wire.publicKey), height: wire.height,
            headDigest: try digest(wire.headDigest),
            membership: wire.membership.isEmpty ? nil : try chain(wire.membership))
    }

    static func membership(_ wire: WireMembership) throws(RejectReason) -> Message {
        guard wire.certificates.count + wire.revocations.count <= MembershipShare.countMax else {
            throw .malformed
        }
        var share = MembershipShare()
        for bytes in wire.certificates { share.certificates.append(try chain(bytes)) }
        for bytes in wire.revocations {
            do {
                share.revocations.append(try SignedRevocation(bytes: Array(bytes)))
            } catch {
                throw .malformed
            }
        }
        return .membership(share, digest: try digest(wire.digest))
    }

    private static func chain(
        _ bytes: some Collection<UInt8>
    ) throws(RejectReason) -> MembershipChain {
        do {
            return try MembershipChain(bytes: Array(bytes))
        } catch {
            throw .malformed
        }
    }

    static func status(_ wire: WireStatus) throws(RejectReason) -> StatusReport {
        var status = StatusReport(
            height: wire.height, headDigest: try digest(wire.headDigest))
        status.view = try view(wire.view)
        status.holdsProposal = wire.holdsProposal
        status.isDecided = wire.isDecided
        status.isLeaving = wire.isLeaving
        status.isFinished = wire.isFinished
        status.holdsAdapter = wire.holdsAdapter
        status.announcements = wire.announcements
        status.viewChanges = wire.viewChanges
        status.commits = wire.commits
        status.results = wire.results
        status.secondsPerStep = try measurement(wire.secondsPerStep, max: 86_400)
        status.bytesPerSecond = try measurement(wire.bytesPerSecond, max: 1e12)
        status.secondsInHeight = try measurement(wire.secondsInHeight, max: 86_400)
        if wire.abstention != 0 {
            let code = UInt16(truncatingIfNeeded: wire.abstention >> 16)
            let detail = UInt16(truncatingIfNeeded: wire.abstention)
            guard let reason = AbsenceReason(code: code, detail: detail) else {
                throw .malformed
            }
            status.abstention = reason
        }
        return status
    }

    static func join(_ wire: WireJoin) throws(RejectReason) -> SignedJoin {
        SignedJoin(
            member: try key(wire.member), height: wire.height,
            signature: try signature(wire.signature))
    }

    static func leave(_ wire: WireLeave) throws(RejectReason) -> SignedLeave {
        SignedLeave(
            member: try key(wire.member), memberSince: wire.memberSince,
            signature: try signature(wire.signature))
    }

    static func announcement(
        _ wire: WireAnnouncement
    ) throws(RejectReason) -> SignedAnnouncement {
        let summary = UpdateSummary(
            objectID: try digest(wire.objectID), member: try key(wire.member),
            round: wire.round, baseAdapterDigest: try digest(wire.baseAdapter),
            exampleCount: Int(wire.exampleCount), byteCount: Int(clamping: wire.byteCount))
        return SignedAnnouncement(summary: summary, signature: try signature(wire.signature))
    }

    static func propose(_ wire: WirePropose) throws(RejectReason) -> Propose {
        let proposal = try proposal(wire.proposal)
        guard proposal.height == wire.height,
            wire.justification.count <= Manifest.memberCountMax
        else { throw .malformed }
        var justification: [ViewChange] = []
        for item in wire.justification { justification.append(try viewChange(item)) }
        return Propose(
            view: try view(wire.view), proposal: proposal,
            signature: try signature(wire.signature), justification: justification)
    }

    static func commit(_ wire: WireCommit) throws(RejectReason) -> Commit {
        let ballot = Ballot(
            height: wire.height, view: try view(wire.view),
            proposalDigest: try digest(wire.proposalDigest))
        return Commit(
            ballot: ballot, member: try key(wire.member),
            signature: try signature(wire.signature))
    }

    static func viewChangeMessage(_ wire: WireViewChange) throws(RejectReason) -> Message {
        let change = try viewChange(wire)
        guard !wire.proposal.isEmpty else { return .viewChange(change, proposal: nil) }
        let proposal = try proposal(wire.proposal)
        guard proposal.height == change.height,
            proposal.digest == change.committed?.proposalDigest
        else { throw .malformed }
        return .viewChange(change, proposal: proposal)
    }

    static func viewChange(_ wire: WireViewChange) throws(RejectReason) -> ViewChange {
        var committed: ViewChange.Committed?
        let view = try view(wire.view)
        if wire.hasCommitted_p {
            guard wire.committedView < view else { throw .malformed }
            committed = ViewChange.Committed(
                view: wire.committedView, proposalDigest: try digest(wire.committedDigest))
        }
        return ViewChange(
            height: wire.height, view: view, member: try key(wire.member),
            committed: committed, signature: try signature(wire.signature))
    }

    static func decision(_ wire: WireDecision) throws(RejectReason) -> Decision {
        guard wire.commits.count <= Manifest.memberCountMax else { throw .malformed }
        var signatures: [MemberSignature] = []
        for item in wire.commits {
            signatures.append(
                MemberSignature(
                    member: try key(item.member), signature: try signature(item.signature)))
        }
        return Decision(
            proposal: try proposal(wire.proposal),
            certificate: CommitCertificate(view: try view(wire.view), signatures: signatures))
    }

    static func result(_ wire: WireResult) throws(RejectReason) -> SignedResult {
        SignedResult(
            height: wire.height, proposalDigest: try digest(wire.proposalDigest),
            sumDigest: try digest(wire.sumDigest),
            adapterDigest: try digest(wire.adapterDigest),
            membersDigest: try digest(wire.membersDigest), member: try key(wire.member),
            signature: try signature(wire.signature))
    }

    static func stateReply(_ wire: WireStateReply) throws(RejectReason) -> StateReply {
        StateReply(
            latest: wire.hasLatest ? try announcement(wire.latest) : nil,
            yours: wire.hasYours ? try announcement(wire.yours) : nil)
    }

    static func roster(_ wire: WireRoster) throws(RejectReason) -> RosterShare {
        guard wire.joins.count + wire.leaves.count <= RosterShare.countMax else {
            throw .malformed
        }
        var share = RosterShare()
        for item in wire.joins { share.joins.append(try join(item)) }
        for item in wire.leaves { share.leaves.append(try leave(item)) }
        return share
    }

    private static func proposal(
        _ bytes: some Collection<UInt8>
    ) throws(RejectReason) -> Proposal {
        do {
            return try Proposal(canonicalBytes: Array(bytes))
        } catch {
            throw .malformed
        }
    }

    private static func digest(_ bytes: some Collection<UInt8>) throws(RejectReason) -> Digest {
        guard let digest = Digest(bytes: bytes) else { throw .malformed }
        return digest
    }

    private static func key(_ bytes: some Collection<UInt8>) throws(RejectReason) -> PublicKey {
        guard let key = PublicKey(bytes: bytes) else { throw .malformed }
        return key
    }

    private static func signature(
        _ bytes: some Collection<UInt8>
    ) throws(RejectReason) -> [UInt8] {
        guard bytes.count == PublicKey.signatureByteCount else { throw .malformed }
        return Array(bytes)
    }

    private static func view(_ value: UInt64) throws(RejectReason) -> UInt64 {
        guard value <= viewMax else { throw .malformed }
        return value
    }

    private static func measurement(
        _ value: Double, max: Double
    ) throws(RejectReason) -> Double {
        guard value.isFinite, value >= 0 else { throw .malformed }
        return min(value, max)
    }
}
