internal import LibP2P
internal import Synchronization
internal import Transports

/// Tells the person in front of a node who is there and who has gone.
///
/// Whoever only looks whether the node can be dialled is gone at once, and not told of.
final class PeerNews: Sendable {
    private let told = Mutex<Set<PeerID>>([])
    private let report: @Sendable (NodeReport) -> Void

    init(report: @escaping @Sendable (NodeReport) -> Void) {
        self.report = report
    }

    /// Listens to the swarm's events from now on; before it starts.
    func follow(_ swarm: Swarm) {
        swarm.observe { self.handle($0) }
    }

    private func handle(_ event: SwarmEvent) {
        switch event {
        case .connected: break
        case .identified(let peer, let message, _):
            guard message.protocolVersion != ReachabilityService.protocolVersion,
                told.withLock({ $0.insert(peer).inserted })
            else { return }
            report(.peerConnected(peer))
        case .disconnected(let peer, let reason):
            guard told.withLock({ $0.remove(peer) }) != nil else { return }
            report(.peerDisconnected(peer, reason: "\(reason)"))
        }
    }
}
