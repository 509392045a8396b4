internal import Cryptography

/// Certificates: who may join, whose updates count, who has to go.
extension PeerInstance: AdmittingInstance {
    /// Revocations that one entry carries at most; the next one carries more.
    private static let revokedCountMax = 8

    var hello: Hello {
        Hello(
            protocolVersion: FederationProtocol.version, manifestDigest: manifest.digest,
            baseModelDigest: baseModelDigest, publicKey: own, height: chain.height,
            headDigest: chain.headDigest, membership: admission.ownChain)
    }

    mutating func welcome(_ peer: PublicKey) {
        sendStatus(to: [peer])
        nextJoinAt = min(nextJoinAt, now)
    }

    mutating func standingChanged(of nodes: Set<PublicKey>) {
        pendingJoins = pendingJoins.filter { admission.mayTrain($0.key, at: now) }
        for node in nodes.sorted() where !counts(node) {
            guard let announcement = current.announcements[node] else { continue }
            let objectID = announcement.summary.objectID
            guard current.decided == nil, current.fetches.removeValue(forKey: objectID) != nil
            else { continue }
            emit(.cancelFetch(objectID))
        }
    }

    /// Whether a member's update may be in a round, as far as its certificate goes.
    func counts(_ member: PublicKey) -> Bool { admission.mayCount(member, at: now) }

    /// The updates that are here, passed every check and may be summed.
    var usableUpdates: [SignedAnnouncement] {
        current.usable.filter { counts($0.summary.member) }
    }

    /// Whether this node may commit to a proposal, as far as certificates go.
    ///
    /// What the view changes demand is followed even so: somebody committed to it before the news
    /// came, and it may be decided already.
    func isAdmissible(_ proposal: Proposal, justification: [ViewChange]) -> Bool {
        if admission.isOpen { return true }
        if justification.contains(where: { $0.committed?.proposalDigest == proposal.digest }) {
            return true
        }
        let registry = admission.registry
        return proposal.participants.allSatisfy { counts($0.summary.member) }
            && proposal.joins.allSatisfy { counts($0.member) }
            && proposal.departures.allSatisfy { departure in
                // An old revocation does not end a newer certificate.
                guard case .revoked(let revocation) = departure.reason else { return true }
                guard let chain = registry.chains[departure.member] else { return true }
                return chain == revocation.chain || registry.revocation(of: chain) != nil
            }
    }

    /// Takes the revocations in that an entry carries, for a node that has not heard of them.
    mutating func learnRevocations(in proposal: Proposal) {
        var share = MembershipShare()
        for case .revoked(let revocation) in proposal.departures.map(\.reason) {
            share.revocations.append(revocation)
        }
        if !share.isEmpty { act(on: admission.learn(share)) }
    }

    /// Why a member is absent whose certificate does not hold.
    ///
    /// One that no revocation takes out departs in the end as a silent one does.
    func absenceReasonOfExcluded(_ member: PublicKey) -> AbsenceReason {
        revokedDepartures.contains { $0.member == member }
            ? .refused(.membershipRevoked) : .silent
    }

    /// The members whose certificates are revoked, with the proof.
    var revokedDepartures: [Proposal.Departure] {
        guard !admission.isOpen else { return [] }
        let departures = chain.members.compactMap { member in
            admission.registry.revocations.values
                .filter { $0.node == member }
                .min { $0.bytes.lexicographicallyPrecedes($1.bytes) }
                .flatMap { revocation -> Proposal.Departure? in
                    guard admission.registry.revocation(of: member) != nil else { return nil }
                    return Proposal.Departure(member: member, reason: .revoked(revocation))
                }
        }
        return Array(departures.prefix(Self.revokedCountMax))
    }
}
