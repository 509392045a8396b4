/// By which relays a node is reachable: events in, directives out, no clock.
///
/// A relay's life: known → asked → reserved → asked again before the end → …; a refusal or a lost
/// connection leads back to known, with a wait. Configured relays are asked as long as relays are
/// needed; of the others, peers that offer the service, as many as the target says.
public struct RelayClientInstance: Sendable {
    /// What happens.
    public enum Event: Sendable {
        /// Time has passed.
        case tick
        /// Whether others can reach this node only through relays.
        case needed(Bool)
        /// The relays that a person named; they replace those before. Without a peer id one is
        /// left out.
        case configured([Multiaddr])
        /// A connected peer offers the service; the address is where it is dialled, if known.
        case found(PeerID, Multiaddr?)
        /// A peer has no connection left.
        case disconnected(PeerID)
        /// A relay granted what it was asked for, at this Unix time of this node.
        case granted(PeerID, RelayReservation, CircuitLimit, unixSeconds: UInt64)
        /// A relay did not, or could not be asked.
        case refused(PeerID, reason: String)
    }

    /// What is to be done.
    public enum Directive: Hashable, Sendable {
        /// Ask a relay, over a connection to be made at this address if there is none.
        case reserve(PeerID, Multiaddr?)
        /// Tell these addresses of this node, in place of those told before.
        case tell([Multiaddr])
        /// A relay's circuits carry less than this node sends.
        case tooSmall(PeerID, CircuitLimit)
        /// Something for the log.
        case note(String, PeerID)
    }

    private struct Relay {
        var address: Multiaddr?
        var isConfigured = false
        var isAsked = false
        var failureCount = 0
        var notBefore = Duration.zero
        var reservation: (circuits: [Multiaddr], refreshAt: Duration, endsAt: Duration)?
    }

    private let own: PeerID
    private let settings: RelayClientSettings
    private var relays: [PeerID: Relay] = [:]
    private var isNeeded = false
    private var told: [Multiaddr] = []

    /// Makes a client without relays.
    public init(own: PeerID, settings: RelayClientSettings = RelayClientSettings()) {
        self.own = own
        self.settings = settings
    }

    /// The relays that this node has a reservation with, ascending.
    public var reservedRelays: [PeerID] {
        relays.filter { $0.value.reservation != nil }.keys.sorted()
    }

    /// Takes an event.
    public mutating func handle(_ event: Event, now: Duration) -> [Directive] {
        var directives: [Directive] = []
        switch event {
        case .tick: break
        case .needed(let isNeeded): self.isNeeded = isNeeded
        case .configured(let addresses): configure(addresses)
        case .found(let peer, let address):
            relays[peer, default: Relay()].address = relays[peer]?.address ?? address
        case .disconnected(let peer):
            directives += lose(peer, now)
        case .granted(let peer, let reservation, let limit, let unixSeconds):
            directives += grant(peer, reservation, limit, unixSeconds, now)
        case .refused(let peer, let reason):
            guard relays[peer]?.isAsked == true else { break }
            let wait = fail(peer, now)
            directives.append(
                .note("no reservation, again in \(wait.components.seconds) s: \(reason)", peer))
        }
        for (peer, relay) in relays {
            if let ends = relay.reservation?.endsAt, ends <= now {
                relays[peer]?.reservation = nil
            }
        }
        directives += dueRequests(now)
        directives += dueTelling()
        return directives
    }

    /// When the next `tick` has something to do; nil if only another event can.
    public func nextWake(now: Duration) -> Duration? {
        let times = relays.flatMap { _, relay -> [Duration] in
            var times: [Duration] = []
            if let reservation = relay.reservation {
                times.append(reservation.endsAt)
                if isNeeded, !relay.isAsked {
                    times.append(max(reservation.refreshAt, relay.notBefore))
                }
            } else if isNeeded, !relay.isAsked, relay.notBefore > now {
                times.append(relay.notBefore)
            }
            return times
        }
        return times.min().map { max($0, now) }
    }

    private mutating func configure(_ addresses: [Multiaddr]) {
        let named = addresses.compactMap { address in
            address.peerID.map { (peer: $0, address: address) }
        }.filter { $0.peer != own && $0.address.tcpEndpoint != nil }
        for peer in relays.keys { relays[peer]?.isConfigured = false }
        for (peer, address) in named {
            relays[peer, default: Relay()].isConfigured = true
            relays[peer]?.address = address
        }
    }

    private mutating func lose(_ peer: PeerID, _ now: Duration) -> [Directive] {
        guard let relay = relays[peer] else { return [] }
        let had = relay.reservation != nil
        guard relay.isConfigured else {
            relays[peer] = nil
            return had ? [.note("the relay is gone", peer)] : []
        }
        relays[peer]?.reservation = nil
        // A request that is under way is answered by its own failure.
        if !relay.isAsked { relays[peer]?.notBefore = now + settings.retryWait }
        return had ? [.note("the relay is gone; it is asked again", peer)] : []
    }

    private mutating func grant(
        _ peer: PeerID, _ reservation: RelayReservation, _ limit: CircuitLimit,
        _ unixSeconds: UInt64, _ now: Duration
    ) -> [Directive] {
        guard var relay = relays[peer] else { return [] }
        relay.isAsked = false
        relay.failureCount = 0
        defer { relays[peer] = relay }
        var directives: [Directive] = []
        if !limit.carries(settings.byteCountMin) {
            if relay.reservation == nil { directives.append(.tooSmall(peer, limit)) }
            guard relay.isConfigured else {
                relay.reservation = nil
                relay.notBefore = now + settings.unfitWait
                return directives
            }
        }
        let rest =
            reservation.expirationSeconds > unixSeconds
            ? reservation.expirationSeconds - unixSeconds : 0
        let life = min(
            max(.seconds(Int64(clamping: min(rest, 1 << 40))), settings.lifeMin), settings.lifeMax)
        relay.reservation = (
            reservation.circuitAddresses(of: own, relay: peer, known: relay.address),
            now + life * settings.refreshShare, now + life
        )
        relay.notBefore = .zero
        return directives
    }

    /// - Returns: The wait before the next attempt.
    private mutating func fail(_ peer: PeerID, _ now: Duration) -> Duration {
        guard var relay = relays[peer] else { return .zero }
        relay.isAsked = false
        let wait = min(
            settings.retryWait * (1 << min(relay.failureCount, 16)), settings.retryWaitMax)
        relay.failureCount += 1
        relay.notBefore = now + wait
        relays[peer] = relay
        return wait
    }

    private mutating func dueRequests(_ now: Duration) -> [Directive] {
        guard isNeeded else { return [] }
        var foundCount = relays.values.filter {
            !$0.isConfigured && ($0.reservation != nil || $0.isAsked)
        }.count
        var directives: [Directive] = []
        for peer in relays.keys.sorted() {
            guard var relay = relays[peer], !relay.isAsked, relay.notBefore <= now else { continue }
            if let reservation = relay.reservation {
                guard reservation.refreshAt <= now else { continue }
            } else if !relay.isConfigured {
                guard foundCount < settings.relayCountTarget else { continue }
                foundCount += 1
            }
            relay.isAsked = true
            relays[peer] = relay
            directives.append(.reserve(peer, relay.address))
        }
        return directives
    }

    private mutating func dueTelling() -> [Directive] {
        let addresses =
            isNeeded
            ? relays.keys.sorted().flatMap { relays[$0]?.reservation?.circuits ?? [] } : []
        guard addresses != told else { return [] }
        told = addresses
        return [.tell(addresses)]
    }
}
