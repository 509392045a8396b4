internal import Cryptography

/// Certificates: who is on the roster, whose states are averaged.
extension GossipInstance: AdmittingInstance {
    var hello: Hello {
        Hello(
            protocolVersion: FederationProtocol.version, manifestDigest: manifest.digest,
            baseModelDigest: baseModelDigest, publicKey: own, height: progress.round,
            headDigest: roster.digest, membership: admission.ownChain)
    }

    mutating func welcome(_ peer: PublicKey) {
        // The own membership first: without it the other takes nothing.
        for share in roster.shares(of: [own]) { send(.roster(share), to: [peer]) }
        sendStatus(to: [peer])
        push()
    }

    mutating func standingChanged(of nodes: Set<PublicKey>) {
        guard !admission.isOpen else { return }
        roster.restrict(to: Set(roster.entries.keys.filter { admission.mayTrain($0, at: now) }))
        for member in inputs.keys.sorted() where !roster.isMember(member) { drop(member) }
    }
}
