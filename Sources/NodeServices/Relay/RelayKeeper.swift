internal import Foundation
internal import LibP2P
internal import Logging
internal import Synchronization
internal import Transports

/// Keeps this node reachable through relays where others cannot dial it: asks them, renews what they
/// grant, and has the addresses told.
final class RelayKeeper: Sendable {
    private struct State {
        var instance: RelayClientInstance
        var alarm = Alarm()
    }

    private let choice: RelayChoice
    private let swarm: Swarm
    private let clock: ServiceClock
    private let logger: Logger
    private let byteCountMin: UInt64
    private let tell: @Sendable ([Multiaddr]) async -> Void
    private let state: Mutex<State>
    private let inbox: AsyncStream<RelayClientInstance.Event>
    private let sink: AsyncStream<RelayClientInstance.Event>.Continuation

    /// Listens to the swarm's events from now on; before it starts.
    ///
    /// - Parameters:
    ///   - byteCountMin: What a circuit has to carry.
    ///   - tell: Takes the addresses through relays whenever they change.
    init(
        choice: RelayChoice, swarm: Swarm, byteCountMin: UInt64,
        settings: RelayClientSettings = RelayClientSettings(), clock: ServiceClock = .system,
        logger: Logger, tell: @escaping @Sendable ([Multiaddr]) async -> Void
    ) {
        self.choice = choice
        self.swarm = swarm
        self.clock = clock
        self.logger = logger
        self.byteCountMin = byteCountMin
        self.tell = tell
        var settings = settings
        settings.byteCountMin = byteCountMin
        state = Mutex(
            State(instance: RelayClientInstance(own: swarm.peerID, settings: settings)))
        // What feeds it is bounded: events of connected peers, one request for each, one tick.
        (inbox, sink) = AsyncStream.makeStream(of: RelayClientInstance.Event.self)
        if case .configured(let addresses) = choice {
            sink.yield(.configured(addresses))
            sink.yield(.needed(true))
        }
        guard choice != .off else { return }
        swarm.observe { [sink] event in
            switch event {
            case .identified(let peer, let message, _)
            where message.protocols.contains(RelayProtocol.hopProtocolID):
                // Only peers that can be dialled are of use: others have to come to them.
                let address = message.listenAddresses.first {
                    $0.tcpEndpoint != nil && !$0.isUnspecified
                }
                if let address { sink.yield(.found(peer, try? address.appending(peer))) }
            case .disconnected(let peer, _): sink.yield(.disconnected(peer))
            default: break
            }
        }
    }

    /// Says whether others can dial this node only through relays; configured ones are always
    /// used.
    func setNeeded(_ isNeeded: Bool) {
        guard choice == .automatic else { return }
        sink.yield(.needed(isNeeded))
    }

    /// The relays that this node has a reservation with, ascending.
    var reservedRelays: [PeerID] { state.withLock { $0.instance.reservedRelays } }

    /// Asks and renews until the task is cancelled; once.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await event in inbox {
                let now = clock.now()
                let directives = state.withLock { $0.instance.handle(event, now: now) }
                for directive in directives { await perform(directive, in: &group) }
                guard let setting = setAlarm() else { continue }
                group.addTask {
                    do { try await self.clock.sleep(setting.wait) } catch { return }
                    guard self.state.withLock({ $0.alarm.rings(setting) }) else { return }
                    self.sink.yield(.tick)
                }
            }
            group.cancelAll()
        }
    }

    /// Sets the alarm for the instance's next tick, unless it rings by then.
    private func setAlarm() -> Alarm.Setting? {
        let now = clock.now()
        return state.withLock { $0.alarm.set(for: $0.instance.nextWake(now: now), now: now) }
    }

    private func perform(
        _ directive: RelayClientInstance.Directive, in group: inout DiscardingTaskGroup
    ) async {
        switch directive {
        case .reserve(let relay, let address):
            group.addTask { await self.reserve(at: relay, address) }
        case .tell(let addresses):
            await tell(addresses)
        case .tooSmall(let relay, let limit):
            logger.warning(
                "relay's limit is too small for updates",
                metadata: [
                    "relay": "\(relay)", "limit": "\(limit)", "neededBytes": "\(byteCountMin)",
                ])
        case .note(let message, let relay):
            logger.info("\(message)", metadata: ["relay": "\(relay)"])
        }
    }

    private func reserve(at relay: PeerID, _ address: Multiaddr?) async {
        do throws(TransportError) {
            let (reservation, limit) = try await swarm.reserve(at: relay, address: address)
            let unixSeconds = clock.unixMilliseconds() / 1_000
            sink.yield(.granted(relay, reservation, limit, unixSeconds: unixSeconds))
        } catch {
            sink.yield(.refused(relay, reason: "\(error)"))
        }
    }
}
