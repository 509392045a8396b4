internal import Federation
internal import LibP2P
internal import Logging
internal import Synchronization
internal import Transports

/// Asks each peer, once, whether another running node has this node's key and how late it is there,
/// and says so loudly.
///
/// A peer can lie, so nothing but words follow from an answer.
final class IdentityWatch: Sendable {
    private let swarm: Swarm
    private let logger: Logger
    private let report: @Sendable (NodeReport) -> Void
    private let ownRecord: @Sendable () -> SignedPeerRecord?
    private let asked = Mutex<Set<PeerID>>([])
    private let events: AsyncStream<Event>
    private let sink: AsyncStream<Event>.Continuation

    private enum Event: Sendable {
        /// A peer that answers checks is there.
        case found(PeerID)
        /// A peer is connected with another node that has this node's key.
        case refused(by: PeerID)
    }

    /// Listens to the swarm's events from now on; before it starts.
    init(
        swarm: Swarm, logger: Logger, report: @escaping @Sendable (NodeReport) -> Void,
        ownRecord: @escaping @Sendable () -> SignedPeerRecord?
    ) {
        self.swarm = swarm
        self.logger = logger
        self.report = report
        self.ownRecord = ownRecord
        (events, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(64))
        swarm.observe { [sink] event in
            switch event {
            case .identified(let peer, let message, _)
            where message.protocols.contains(ReachabilityCheck.protocolID):
                sink.yield(.found(peer))
            case .disconnected(
                let peer, .remoteGoAway(code: DisconnectReason.duplicateIdentityCode)):
                sink.yield(.refused(by: peer))
            default: break
            }
        }
    }

    /// Asks until the task is cancelled.
    func run() async {
        await withTaskCancellationHandler {
            for await event in events {
                guard case .found(let peer) = event else {
                    if case .refused(let peer) = event { tellOfCopy(peer, address: nil) }
                    continue
                }
                let isNew = asked.withLock { asked in
                    // Many more peers than a node ever has: begin again.
                    if asked.count >= 1_024 { asked = [] }
                    return asked.insert(peer).inserted
                }
                if isNew { await ask(peer) }
            }
        } onCancel: {
            sink.finish()
        }
    }

    private func ask(_ peer: PeerID) async {
        do throws(TransportError) {
            let roundTrip = try await swarm.ping(peer)
            let reply = try await ReachabilityAsker(streams: swarm)
                .ask(peer, about: ownRecord(), roundTrip: roundTrip)
            tell(reply)
        } catch {
            logger.debug("check not made", metadata: ["peer": "\(peer)", "reason": "\(error)"])
        }
    }

    private func tellOfCopy(_ peer: PeerID, address: Multiaddr?) {
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        if let address { metadata["address"] = "\(address)" }
        logger.error("another running node has this node's key", metadata: metadata)
        report(.federation(.duplicateIdentity))
    }

    private func tell(_ reply: ReachabilityAsker.Reply) {
        for session in reply.answer.sessions {
            guard let tag = NodeInstance.tag(inAgent: session.agent), tag != NodeInstance.own
            else { continue }
            tellOfCopy(reply.peer, address: session.address)
        }
        let ahead = reply.clockAhead
        let isNoticed = max(ahead, .zero - ahead) > NetworkDoctor.skewNoticed + reply.uncertainty
        guard isNoticed else { return }
        logger.warning(
            "this clock differs from a peer's; 'starling doctor' says more",
            metadata: ["peer": "\(reply.peer)", "ahead": "\(ahead)"])
    }
}
