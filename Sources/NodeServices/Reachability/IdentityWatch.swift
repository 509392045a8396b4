internal import Federation
internal import LibP2P
internal import Logging
internal import Synchronization
internal import Transports

/// Asks each peer, and later some again, whether another running node has this node's key, how late it
/// is there, and whether it can dial this node; says the first two loudly, and passes the last on.
///
/// A peer can lie, so nothing but words follow from an answer, and what this node tells of itself.
final class IdentityWatch: Sendable {
    private let swarm: Swarm
    private let logger: Logger
    private let report: @Sendable (NodeReport) -> Void
    private let ownRecord: @Sendable ([Multiaddr]) -> SignedPeerRecord?
    private let board: ReachabilityBoard
    private let clock: ServiceClock
    private let asked = Mutex<Set<PeerID>>([])
    private let events: AsyncStream<Event>
    private let sink: AsyncStream<Event>.Continuation

    /// The time after which peers are asked again: what has changed since is a router's setting.
    static let interval = Duration.seconds(600)
    /// Peers that are asked again at a time.
    static let repeatCount = 3

    private enum Event: Sendable {
        /// A peer of another program that dials back is there.
        case foreign(PeerID)
        /// It is time to ask again.
        case again
        /// A peer that answers checks is there.
        case found(PeerID)
        /// A peer is connected with another node that has this node's key.
        case refused(by: PeerID)
    }

    /// Listens to the swarm's events from now on; before it starts.
    ///
    /// - Parameters:
    ///   - ownRecord: This node's record with the addresses that a peer is to try.
    ///   - board: Takes what came of it.
    init(
        swarm: Swarm, logger: Logger, clock: ServiceClock = .system,
        report: @escaping @Sendable (NodeReport) -> Void, board: ReachabilityBoard,
        ownRecord: @escaping @Sendable ([Multiaddr]) -> SignedPeerRecord?
    ) {
        self.board = board
        self.clock = clock
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
            case .identified(let peer, let message, _)
            where message.protocols.contains(AutoNATMessage.protocolID):
                sink.yield(.foreign(peer))
            case .disconnected(
                let peer, .remoteGoAway(code: DisconnectReason.duplicateIdentityCode)):
                sink.yield(.refused(by: peer))
            default: break
            }
        }
    }

    /// Asks until the task is cancelled.
    func run() async {
        let timer = Task {
            while !Task.isCancelled {
                do { try await clock.sleep(Self.interval) } catch { return }
                sink.yield(.again)
            }
        }
        defer { timer.cancel() }
        await withTaskCancellationHandler {
            for await event in events {
                switch event {
                case .found(let peer): if isNew(peer) { await ask(peer) }
                case .foreign(let peer): if isNew(peer) { await askForeign(peer) }
                case .refused(let peer): tellOfCopy(peer, address: nil)
                case .again:
                    let known = asked.withLock { $0 }
                    let peers = swarm.connectedPeers.filter(known.contains).shuffled()
                    for peer in peers.prefix(Self.repeatCount) {
                        await ask(peer, triesAgain: true)
                    }
                }
            }
        } onCancel: {
            sink.finish()
        }
    }

    private func isNew(_ peer: PeerID) -> Bool {
        asked.withLock { asked in
            // Many more peers than a node ever has: begin again.
            if asked.count >= 1_024 { asked = [] }
            return asked.insert(peer).inserted
        }
    }

    private func askForeign(_ peer: PeerID) async {
        do throws(TransportError) {
            let trials = try await AutoNATAsker(streams: swarm).ask(
                peer, own: swarm.peerID, at: board.candidates(for: peer))
            board.note(trials, from: peer)
        } catch {
            logger.debug("check not made", metadata: ["peer": "\(peer)", "reason": "\(error)"])
        }
    }

    private func ask(_ peer: PeerID, triesAgain: Bool = false) async {
        let addresses = triesAgain || !board.isDecided ? board.candidates(for: peer) : []
        do throws(TransportError) {
            let roundTrip = try await swarm.ping(peer)
            let reply = try await ReachabilityAsker(streams: swarm)
                .ask(peer, about: ownRecord(addresses), roundTrip: roundTrip)
            board.note(reply.answer.trials, from: peer)
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
