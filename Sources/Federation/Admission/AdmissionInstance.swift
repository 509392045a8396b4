internal import Cryptography

/// Who may take part, as one node sees it: the part that both instances of the protocol share.
///
/// A value like them. What it is told comes back as directives, the durable ones first, so that what
/// is acted upon is on disk.
struct AdmissionInstance: Sendable {
    let manifest: SignedManifest
    let signer: any MessageSigner
    let zeroSeconds: UInt64
    private(set) var registry: AdmissionRegistry
    private var requests = RequestWindow()
    var nextDigestAt: Timestamp
    var sharedAt: [PublicKey: Timestamp] = [:]
    var greetedAt: [PublicKey: Timestamp] = [:]
    var isOverReported = false

    /// What was learnt and has to be acted upon.
    struct Outcome: Sendable {
        /// Durable; to be emitted before anything else.
        var directives: [Directive] = []
        /// What was new, for the others.
        var news = MembershipShare()
        /// The nodes whose standing may have changed.
        var nodes: Set<PublicKey> = []
    }

    init(
        manifest: SignedManifest, signer: any MessageSigner, setup: AdmissionSetup?,
        records: [String: [UInt8]], now: Timestamp
    ) throws(RestoreError) {
        precondition(
            manifest.manifest.admission == nil || setup != nil, "members without their setup")
        self.manifest = manifest
        self.signer = signer
        zeroSeconds = setup?.zeroSeconds ?? 0
        nextDigestAt = now
        registry = try AdmissionRegistry(manifest: manifest, records: records)
    }

    var isOpen: Bool { registry.isOpen }
    var own: PublicKey { signer.publicKey }

    /// The time of the clock on the wall, in seconds since 1970.
    func seconds(_ now: Timestamp) -> UInt64 { zeroSeconds + now.milliseconds / 1000 }

    /// Whether a node may be a member at that time.
    func mayTrain(_ node: PublicKey, at now: Timestamp) -> Bool {
        isOpen || registry.roles(of: node, at: seconds(now)).contains(.train)
    }

    /// Whether what a node did lately may count: it takes part, or did within the clocks' skew.
    ///
    /// Proposers see to the very second; who follows them allows for other clocks.
    func mayCount(_ node: PublicKey, at now: Timestamp) -> Bool {
        let (late, early) = (seconds(now), MembershipCertificate.clockSkewSeconds)
        return isOpen || registry.refusal(of: node, at: late) == nil
            || registry.refusal(of: node, at: late - min(late, early)) == nil
            || registry.refusal(of: node, at: late + early) == nil
    }

    /// The own certificate, to be shown.
    var ownChain: MembershipChain? { registry.chains[own] }

    // MARK: Learning

    /// Takes certificates and revocations in.
    mutating func learn(_ share: MembershipShare) -> Outcome {
        let news = registry.learn(share)
        var outcome = Outcome()
        guard !news.isEmpty else { return outcome }
        for revocation in news.revocations {
            outcome.directives.append(
                .persist(
                    key: DurableRecord.revocation(revocation.certificateID),
                    value: revocation.bytes))
            outcome.directives.append(.appendLog(.revoked(revocation)))
            // Whoever hangs on it is concerned as well.
            for (node, chain) in registry.chains
            where chain.certificates.contains(where: { $0.id == revocation.certificateID }) {
                outcome.nodes.insert(node)
            }
        }
        for chain in news.certificates {
            outcome.nodes.insert(chain.node)
            outcome.directives.append(
                .persist(key: DurableRecord.certificate(chain.node), value: chain.bytes))
            outcome.directives.append(.appendLog(.admitted(chain)))
            if let invite = chain.leaf.invite { outcome.directives.append(uses(of: invite.key)) }
        }
        for chain in news.overused {
            guard let invite = chain.leaf.invite else { continue }
            let count = registry.inviteUses[invite.key]?.count ?? 0
            outcome.directives.append(
                .appendLog(
                    .inviteOverused(invite: invite.key, node: chain.node, count: count)))
            outcome.directives.append(
                .notify(.inviteOverused(invite: invite.key, node: chain.node)))
        }
        outcome.news = news.share
        return outcome
    }

    private func uses(of invite: PublicKey) -> Directive {
        let nodes = (registry.inviteUses[invite] ?? []).sorted()
            .prefix(AdmissionRegistry.countMax)
        var writer = CanonicalWriter()
        writer.write(raw: invite.bytes)
        writer.write(count: nodes.count)
        for node in nodes { writer.write(raw: node.bytes) }
        return .persist(key: DurableRecord.inviteUses(invite), value: writer.bytes)
    }

    // MARK: The membership stream

    /// Answers a question of the membership stream; what it led to is in the outcome.
    mutating func answer(
        _ bytes: [UInt8], from peer: PublicKey, now: Timestamp
    ) -> (outcome: Outcome, reply: MembershipExchange.Reply) {
        var outcome = Outcome()
        do throws(RejectReason) {
            let request: MembershipExchange.Request
            do {
                request = try MembershipExchange.request(bytes)
            } catch {
                throw .malformed
            }
            switch request {
            case .redeem(let redemption):
                let chain = try redeem(redemption, for: peer, now: now, &outcome)
                return (outcome, .admitted(manifest, chain))
            case .present(let chain):
                outcome = try accept(chain, from: peer, now: now)
                return (outcome, .admitted(manifest, nil))
            }
        } catch {
            let revocation = error == .membershipRevoked ? registry.revocation(of: peer) : nil
            return (outcome, .refused(error, revocation))
        }
    }

    /// Takes the certificate that a node shows of itself.
    ///
    /// - Throws: why it is not accepted.
    mutating func accept(
        _ chain: MembershipChain?, from peer: PublicKey, now: Timestamp
    ) throws(RejectReason) -> Outcome {
        do throws(MembershipRefusal) {
            try registry.check(chain, of: peer, at: seconds(now))
        } catch {
            throw error.reason
        }
        guard let chain, !isOpen else { return Outcome() }
        let outcome = learn(MembershipShare(certificates: [chain]))
        // Room for no more nodes.
        guard registry.refusal(of: peer, at: seconds(now)) == nil else { throw .tooMany }
        return outcome
    }

    /// Gives a certificate for an invite.
    ///
    /// The same node gets the same one again, for the answer may have been lost.
    private mutating func redeem(
        _ redemption: MembershipExchange.Redemption, for peer: PublicKey, now: Timestamp,
        _ outcome: inout Outcome
    ) throws(RejectReason) -> MembershipChain {
        let invite = redemption.invite
        let seconds = seconds(now)
        guard !isOpen else { throw .membershipIssuerUnknown }
        guard invite.federation == manifest.digest else { throw .membershipOfOtherFederation }
        guard let right = registry.issuingChain(of: own, at: seconds) else {
            throw .membershipRoleMissing
        }
        guard let inviter = registry.issuingChain(of: invite.issuer, at: seconds) else {
            throw .membershipIssuerUnknown
        }
        for organisation in [right.organisation, inviter.organisation]
        where !organisation.isEmpty && organisation != invite.organisation {
            throw .membershipIssuerUnknown
        }
        guard invite.isSigned, redemption.isSigned(for: peer) else { throw .signatureInvalid }
        guard seconds <= invite.notAfter else { throw .inviteExpired }
        try requests.take(
            nonce: redemption.nonce, timeSeconds: redemption.timeSeconds, now: seconds)
        let uses = registry.inviteUses[invite.key] ?? []
        if uses.contains(peer) {
            if registry.revocation(of: peer) != nil { throw .membershipRevoked }
            guard let chain = registry.chains[peer], chain.leaf.invite?.key == invite.key,
                registry.refusal(of: peer, at: seconds) == nil
            else { throw .inviteUsed }
            return chain
        }
        guard uses.count < Int(invite.useCountMax) else { throw .inviteUsed }
        let skew = MembershipCertificate.clockSkewSeconds
        let certificate = MembershipCertificate(
            federation: manifest.digest, node: peer,
            terms: MembershipCertificate.Terms(
                roles: invite.roles, organisation: invite.organisation,
                notBefore: seconds - min(seconds, skew),
                notAfter: seconds + UInt64(invite.dayCount) * 86_400),
            invite: MembershipCertificate.InviteMark(
                key: invite.key, useCountMax: invite.useCountMax),
            signer: signer)
        let chain = MembershipChain(certificate, issuedUnder: right.chain)
        outcome = learn(MembershipShare(certificates: [chain]))
        // A node that has a better certificate already, or room for no more nodes.
        guard registry.chains[peer] == chain else { throw .tooMany }
        return chain
    }
}
