internal import Cryptography
internal import LibP2P
internal import Synchronization

/// Who may fetch what: updates are for members, everything else (model shards, the adapter states
/// that certificates name) for whoever is connected.
final class AccessRules: Sendable {
    private struct State {
        var members: Set<PeerID> = []
        var updates: Set<Digest> = []
    }

    private let state = Mutex(State())

    /// Notes who is a member now.
    func setMembers(_ members: [PeerID]) {
        state.withLock { $0.members = Set(members) }
    }

    /// Notes that an object is an update, before it is stored.
    func noteUpdate(_ id: Digest) {
        state.withLock { _ = $0.updates.insert(id) }
    }

    /// Whether a peer may have an object.
    func mayServe(_ id: Digest, to peer: PeerID) -> Bool {
        state.withLock { !$0.updates.contains(id) || $0.members.contains(peer) }
    }
}
