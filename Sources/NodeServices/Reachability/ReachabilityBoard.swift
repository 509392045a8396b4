internal import LibP2P
internal import Logging
internal import Synchronization
internal import Transports

/// What peers say of whether this node can be dialled, and what follows from it: the addresses that
/// it tells, and whether it asks relays.
final class ReachabilityBoard: Sendable {
    private enum Event: Sendable {
        case saw(PeerID, Multiaddr?)
        case tried(PeerID, [ReachabilityCheck.Trial])
        case gone(PeerID)
    }

    private let swarm: Swarm
    private let logger: Logger
    private let setNeeded: @Sendable (Bool) -> Void
    private let instance = Mutex(ReachabilityInstance())
    private let events: AsyncStream<Event>
    private let sink: AsyncStream<Event>.Continuation

    /// Listens to the swarm's events from now on; before it starts.
    ///
    /// - Parameter setNeeded: Takes whether this node can be reached only through relays.
    init(swarm: Swarm, logger: Logger, setNeeded: @escaping @Sendable (Bool) -> Void) {
        self.swarm = swarm
        self.logger = logger
        self.setNeeded = setNeeded
        (events, sink) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(4_096))
        swarm.observe { [sink] event in
            switch event {
            case .identified(let peer, let message, _):
                sink.yield(.saw(peer, message.observedAddress))
            case .disconnected(let peer, _): sink.yield(.gone(peer))
            case .connected: break
            }
        }
    }

    /// Notes what came of a peer's attempts to dial this node.
    func note(_ trials: [ReachabilityCheck.Trial], from peer: PeerID) {
        sink.yield(.tried(peer, trials))
    }

    /// Whether so many peers have tried that a new one does not have to.
    var isDecided: Bool { instance.withLock(\.isDecided) }

    /// The addresses that a peer is to try.
    func candidates(for peer: PeerID) -> [Multiaddr] {
        let (told, bound) = (swarm.toldAddresses, swarm.listenAddresses)
        return instance.withLock { $0.candidates(for: peer, told: told, bound: bound) }
    }

    /// What the peers' words come to.
    var verdict: ReachabilityInstance.Verdict { instance.withLock(\.verdict) }

    /// Where peers see this node, with how many do.
    var seenHosts: [(host: String, peerCount: Int)] { instance.withLock(\.seenHosts) }

    /// Follows until the task is cancelled; the swarm runs.
    func run() async {
        let listensNowhere = swarm.listenAddresses.isEmpty
        setNeeded(listensNowhere)
        var verdict = ReachabilityInstance.Verdict.unknown
        var confirmed: [Multiaddr] = []
        await withTaskCancellationHandler {
            for await event in events {
                let (newVerdict, newConfirmed) = instance.withLock { instance in
                    switch event {
                    case .saw(let peer, let address): instance.saw(peer, address)
                    case .tried(let peer, let trials): instance.tried(peer, trials)
                    case .gone(let peer): instance.gone(peer)
                    }
                    return (instance.verdict, instance.confirmedAddresses)
                }
                if newVerdict != verdict {
                    verdict = newVerdict
                    logger.info("reachability", metadata: ["verdict": "\(verdict.rawValue)"])
                    // A verdict that is only forgotten changes nothing.
                    if verdict != .unknown {
                        setNeeded(listensNowhere || verdict == .private)
                    }
                }
                // What has been reached stays told while the node runs.
                let all = (confirmed + newConfirmed.filter { !confirmed.contains($0) })
                    .suffix(ReachabilityCheck.addressCountMax)
                guard Array(all) != confirmed else { continue }
                confirmed = Array(all)
                swarm.setConfirmedAddresses(confirmed)
                await swarm.pushIdentify()
            }
        } onCancel: {
            sink.finish()
        }
    }
}
