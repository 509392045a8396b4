internal import Cryptography
internal import Federation
internal import LibP2P
internal import Synchronization

/// Who may fetch what: whoever may take part the parts of the base model and the newest adapter
/// states that certificates name, members everything.
///
/// Everybody may take part unless the manifest names issuers. What nobody has opened, such as an
/// update, is for members alone, also after a restart.
final class AccessRules: Sendable {
    fileprivate struct State {
        var members: Set<PeerID> = []
        var open: Set<Digest> = []
        /// Oldest first.
        var adapters: [Digest] = []
        var registry: AdmissionRegistry
    }

    private let state: Mutex<State>
    private let adapterCountMax: Int
    private let clock: ServiceClock

    /// Starts without members; of the adapters as many stay open as the store keeps.
    init(
        registry: AdmissionRegistry, adapterCountMax: Int, clock: ServiceClock = .system
    ) {
        self.adapterCountMax = max(adapterCountMax, 1)
        state = Mutex(State(registry: registry))
        self.clock = clock
    }

    /// Notes the certificates and revocations that are known now.
    func setRegistry(_ registry: AdmissionRegistry) {
        state.withLock { $0.registry = registry }
    }

    /// Whether a peer may take part now, as far as certificates go.
    func admits(_ peer: PeerID) -> Bool {
        let now = clock.unixMilliseconds() / 1000
        return state.withLock { $0.admits(peer, at: now) }
    }

    /// Notes who is a member now.
    func setMembers(_ members: [PeerID]) {
        state.withLock { $0.members = Set(members) }
    }

    /// Whether a peer is a member now.
    func isMember(_ peer: PeerID) -> Bool {
        let now = clock.unixMilliseconds() / 1000
        return state.withLock { $0.admits(peer, at: now) && $0.members.contains(peer) }
    }

    /// Opens objects to whoever may take part.
    func open(_ ids: some Sequence<Digest>) {
        state.withLock { $0.open.formUnion(ids) }
    }

    /// Opens the adapter of a newer certificate to whoever may take part, in place of the oldest.
    func open(adapter: Digest) {
        state.withLock { (state) in
            guard !state.adapters.contains(adapter) else { return }
            state.adapters.append(adapter)
            state.adapters = state.adapters.suffix(adapterCountMax)
        }
    }

    /// Whether a peer may have an object.
    func mayServe(_ id: Digest, to peer: PeerID) -> Bool {
        let now = clock.unixMilliseconds() / 1000
        return state.withLock {
            $0.admits(peer, at: now)
                && ($0.open.contains(id) || $0.adapters.contains(id) || $0.members.contains(peer))
        }
    }
}

extension AccessRules.State {
    fileprivate func admits(_ peer: PeerID, at seconds: UInt64) -> Bool {
        guard !registry.isOpen else { return true }
        guard let key = peer.publicKey else { return false }
        return registry.refusal(of: key, at: seconds) == nil
    }
}
