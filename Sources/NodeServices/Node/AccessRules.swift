internal import Cryptography
internal import LibP2P
internal import Synchronization

/// Who may fetch what: everybody the parts of the base model and the adapter states that
/// certificates name, members everything.
///
/// What nobody has opened, such as an update, is for members alone, also after a restart.
final class AccessRules: Sendable {
    private struct State {
        var members: Set<PeerID> = []
        var open: Set<Digest> = []
    }

    private let state = Mutex(State())

    /// Notes who is a member now.
    func setMembers(_ members: [PeerID]) {
        state.withLock { $0.members = Set(members) }
    }

    /// Whether a peer is a member now.
    func isMember(_ peer: PeerID) -> Bool {
        state.withLock { $0.members.contains(peer) }
    }

    /// Opens objects to whoever is connected.
    func open(_ ids: some Sequence<Digest>) {
        state.withLock { $0.open.formUnion(ids) }
    }

    /// Whether a peer may have an object.
    func mayServe(_ id: Digest, to peer: PeerID) -> Bool {
        state.withLock { $0.open.contains(id) || $0.members.contains(peer) }
    }
}
