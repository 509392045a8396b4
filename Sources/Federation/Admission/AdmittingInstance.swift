internal import Cryptography

/// What both instances of the protocol do alike where members need certificates.
///
/// A connection is `greeted → admitted → refused` and never back; until it is admitted nothing but
/// greetings and refusals goes over it, in either direction.
protocol AdmittingInstance {
    var admission: AdmissionInstance { get set }
    /// The certificate that this node was started with, until it is on record.
    var ownMembership: MembershipChain? { get set }
    var peers: [PublicKey: PeerState] { get set }
    var now: Timestamp { get }
    /// This node's greeting.
    var hello: Hello { get }
    mutating func emit(_ directive: Directive)
    /// Refuses a peer until it connects anew, and tells it why.
    mutating func refuse(_ peer: PublicKey, _ reason: RejectReason)
    /// Says what a peer is to hear once it is admitted.
    mutating func welcome(_ peer: PublicKey)
    /// Draws the consequences of what was learnt about those nodes.
    mutating func standingChanged(of nodes: Set<PublicKey>)
}

/// The pauses of admission, in seconds.
private enum AdmissionTiming {
    /// Between greetings to a peer that has not shown its certificate.
    static let greetingSeconds = 1.0
    /// Between two digests of what is known.
    static let digestSeconds = 5.0
    /// Between two answers to a peer that knows something else.
    static let sharePauseSeconds = 2.0
}

extension AdmittingInstance {
    /// Puts this node's certificate on record, and looks at it.
    mutating func startAdmission() {
        guard !admission.isOpen else { return }
        if let chain = ownMembership {
            act(on: admission.learn(MembershipShare(certificates: [chain])))
            ownMembership = nil
        }
        enforce(admission.own)
    }

    /// Sends without asking whether the peer is admitted.
    mutating func deliver(_ message: Message, to receivers: [PublicKey]) {
        guard !receivers.isEmpty else { return }
        emit(.send(to: receivers, bytes: MessageCodec.encode(message)))
    }

    /// Sends to those that are admitted.
    mutating func send(_ message: Message, to receivers: [PublicKey]) {
        deliver(message, to: receivers.filter { peers[$0]?.isAdmitted != false })
    }

    /// The peers that can be talked to, in ascending order.
    private var admittedPeers: [PublicKey] { peers.filter(\.value.isUsable).keys.sorted() }

    mutating func greet(_ peer: PublicKey) {
        if !admission.isOpen { admission.greetedAt[peer] = now }
        deliver(.hello(hello), to: [peer])
    }

    /// Forgets a peer whose last connection is gone.
    mutating func forget(_ peer: PublicKey) {
        peers[peer] = nil
        admission.greetedAt[peer] = nil
        admission.sharedAt[peer] = nil
    }

    /// Whether a message may be looked at, given what its sender has shown.
    ///
    /// - Throws: `membershipMissing` for a request that only members may make.
    func mayRead(_ message: Message, from peer: PublicKey) throws(RejectReason) -> Bool {
        guard peers[peer]?.isAdmitted == false else { return true }
        switch message {
        case .hello, .refuse: return true
        // A refusal comes with the revocation, for whom it ends.
        case .membership(let share, _):
            return share.certificates.isEmpty
                && share.revocations.allSatisfy { $0.node == admission.own }
        case .manifestRequest: throw .membershipMissing
        default: return false
        }
    }

    /// Admits a peer by its greeting.
    ///
    /// - Throws: why not.
    mutating func admit(_ hello: Hello, from peer: PublicKey) throws(RejectReason) {
        guard !admission.isOpen else { return }
        let outcome = try admission.accept(hello.membership, from: peer, now: now)
        let isFirst = peers[peer]?.isAdmitted == false
        peers[peer]?.isAdmitted = true
        act(on: outcome)
        if isFirst {
            welcome(peer)
            tellDigest(to: [peer])
        } else if let last = admission.greetedAt[peer],
            now.seconds(since: last) >= AdmissionTiming.greetingSeconds
        {
            // It greets again because it has not heard this node's greeting.
            greet(peer)
        }
    }

    /// Acts upon what was learnt: first on disk, then told, then enforced.
    mutating func act(on outcome: AdmissionInstance.Outcome) {
        for directive in outcome.directives { emit(directive) }
        guard !outcome.nodes.isEmpty else { return }
        for part in outcome.news.parts {
            send(
                .membership(part, digest: admission.registry.digest),
                to: admittedPeers)
        }
        standingChanged(of: outcome.nodes)
        for node in outcome.nodes.sorted() { enforce(node) }
    }

    /// Ends what a node may no longer do.
    private mutating func enforce(_ node: PublicKey) {
        guard let refusal = admission.registry.refusal(of: node, at: admission.seconds(now))
        else { return }
        if node == admission.own {
            reportOver(refusal)
        } else if peers[node]?.isUsable == true {
            refuse(node, refusal.reason)
        }
    }

    private mutating func reportOver(_ refusal: MembershipRefusal) {
        guard !admission.isOverReported else { return }
        admission.isOverReported = true
        var text = ""
        if case .revoked(_, let reason) = refusal { text = reason }
        emit(.notify(.membershipOver(refusal.reason, text: text)))
    }

    /// What a refused peer is told beside the number: the revocation.
    mutating func tellWhy(_ reason: RejectReason, to peer: PublicKey) {
        if reason == .membershipRevoked, let proof = admission.registry.revocation(of: peer) {
            deliver(
                .membership(
                    MembershipShare(revocations: [proof]), digest: admission.registry.digest),
                to: [peer])
        }
        deliver(.refuse(reason), to: [peer])
    }

    mutating func receivedMembership(
        _ share: MembershipShare, digest: Digest, from peer: PublicKey
    ) {
        guard !admission.isOpen else { return }
        act(on: admission.learn(share))
        guard digest != admission.registry.digest, peers[peer]?.isUsable == true else { return }
        if let last = admission.sharedAt[peer],
            now.seconds(since: last) < AdmissionTiming.sharePauseSeconds
        {
            return
        }
        admission.sharedAt[peer] = now
        for part in admission.registry.share.parts {
            send(.membership(part, digest: admission.registry.digest), to: [peer])
        }
    }

    private mutating func tellDigest(to receivers: [PublicKey]) {
        send(
            .membership(MembershipShare(), digest: admission.registry.digest), to: receivers)
    }

    mutating func answerMembership(id: UInt64, from peer: PublicKey, _ bytes: [UInt8]) {
        let (outcome, reply) = admission.answer(bytes, from: peer, now: now)
        act(on: outcome)
        emit(.membershipReply(id: id, bytes: MembershipExchange.encode(reply)))
    }

    /// What time brings: greetings that were lost, certificates that are over, news that were missed.
    mutating func tickAdmission() {
        guard !admission.isOpen else { return }
        for peer in peers.keys.sorted() {
            guard let state = peers[peer], !state.isRefused else { continue }
            if state.isAdmitted {
                enforce(peer)
            } else if admission.greetedAt[peer].map({
                now.seconds(since: $0) >= AdmissionTiming.greetingSeconds
            }) ?? true {
                greet(peer)
            }
        }
        enforce(admission.own)
        guard now >= admission.nextDigestAt else { return }
        admission.nextDigestAt = now.adding(seconds: AdmissionTiming.digestSeconds)
        standingChanged(of: [])
        tellDigest(to: admittedPeers)
    }
}
