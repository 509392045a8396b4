internal import Federation
internal import LibP2P

extension FederationService {
    /// Members may fetch updates, and are kept connected as far as that is of use.
    func noteMembers() {
        let status = instance.status(now: now)
        let keys = status.members
        let members = keys.map(PeerID.init(publicKey:))
        let wanted = status.gossip?.wantedPeers.map(PeerID.init(publicKey:)) ?? members
        if wanted != wantedPeers {
            wantedPeers = wanted
            parts.connector.setWanted(wanted)
        }
        guard members != knownMembers else { return }
        knownMembers = members
        parts.access.setMembers(members)
        parts.witness.setMembers(keys)
    }
}
