package import LibP2P
package import Transports

/// Whom to dial, when, and with whom to exchange records: events in, directives out, no clock.
///
/// Wanted peers are dialled whenever they are not connected. Beyond them, configured addresses and
/// then peers of the passive view are dialled, in random order, until the target number of
/// connections is there or under way.
package struct PeerConnectorInstance {
    package enum Event {
        case tick
        case connected(PeerID, address: Multiaddr, isDialer: Bool)
        case disconnected(PeerID, reason: String)
        case identified(PeerID, addresses: [Multiaddr], servesExchange: Bool)
        case dialled(DialKey, Multiaddr, PeerID)
        case dialFailed(DialKey, Multiaddr, reason: String, isHopeless: Bool)
        case wanted([PeerID])
        /// The peer list; it replaces the one before.
        case configured([Multiaddr])
        /// Who may not be dialled nor told of; it replaces what was before.
        case banned(Bans)
        /// Peers whose connections are needed for something; they replace those before.
        case protected(Set<PeerID>)
        case received([SignedPeerRecord], from: PeerID)
        case exchangeEnded(PeerID)
    }

    package enum Directive: Equatable {
        case dial(DialKey, Multiaddr)
        case exchange(PeerID)
        case close(PeerID, reason: String)
        case persist
        case note(String, peer: PeerID?, address: Multiaddr?)
    }

    struct Connection {
        var since: Duration
        var isDialer: Bool
        /// Whether it goes through a relay, as far as is known; then a direct one is better.
        var isRelayed = false
        /// Whether it is being closed for being one too many.
        var isClosing = false
        var servesExchange = false
        var isExchanging = false
    }

    package let localPeer: PeerID
    let settings: PeerConnectorSettings
    package private(set) var view: PassiveView
    var connections: [PeerID: Connection] = [:]
    private(set) var wanted: Set<PeerID> = []
    private(set) var protectedPeers: Set<PeerID> = []
    private(set) var bans = Bans()
    var targets: [DialKey: DialTarget] = [:]

    private var servedAt: [PeerID: Duration] = [:]
    private var nextExchange: Duration?
    private var isViewChanged = false
    private var persistedAt: Duration?

    package init(localPeer: PeerID, view: PassiveView, settings: PeerConnectorSettings) {
        self.localPeer = localPeer
        self.view = view
        self.settings = settings
    }

    package mutating func handle(
        _ event: Event, now: Duration, unixMilliseconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) -> [Directive] {
        var directives: [Directive] = []
        switch event {
        case .tick: break
        case .connected(let peer, let address, let isDialer):
            connect(peer, address, isDialer: isDialer, now, unixMilliseconds)
        case .disconnected(let peer, let reason):
            directives += disconnect(peer, reason, now, &generator)
        case .identified(let peer, let addresses, let servesExchange):
            directives += identify(peer, addresses, servesExchange)
        case .dialled(let key, let address, let peer): dialled(key, address, peer, now)
        case .dialFailed(let key, let address, let reason, let isHopeless):
            directives += dialFailed(key, address, reason, isHopeless, now, &generator)
        case .wanted(let peers): wanted = Set(peers).subtracting([localPeer])
        case .configured(let addresses): configure(addresses)
        case .banned(let bans): setBans(bans)
        case .protected(let peers): protectedPeers = peers
        case .received(let records, let sender): take(records, from: sender, unixMilliseconds)
        case .exchangeEnded(let peer): connections[peer]?.isExchanging = false
        }
        directives += dueExchange(now, &generator)
        directives += duePersist(now)
        directives += dueClosings(now)
        directives += dueDials(now, &generator)
        return directives
    }

    /// When the next `tick` has something to do; nil if only another event can.
    package func nextWake(now: Duration) -> Duration? {
        var times: [Duration] = []
        if let nextExchange, connections.values.contains(where: \.servesExchange) {
            times.append(nextExchange)
        }
        if isViewChanged { times.append((persistedAt ?? now) + settings.persistInterval) }
        for (key, target) in targets where !target.isDialling {
            let due = max(target.notBefore, target.settlesBy ?? .zero)
            if due > now, isWorthDialling(key, target) { times.append(due) }
        }
        if let surplus = nextSurplus(now) { times.append(surplus) }
        return times.min().map { max($0, now) }
    }

    /// Whether a peer that opens an exchange is answered; then it is not answered again for a while.
    package mutating func admitExchange(from peer: PeerID, now: Duration) -> Bool {
        servedAt = servedAt.filter { now - $0.value < settings.exchangeServeInterval }
        guard servedAt[peer] == nil else { return false }
        servedAt[peer] = now
        return true
    }

    /// Notes that the view was written at the end of the service.
    mutating func takeUnpersisted() -> Bool {
        defer { isViewChanged = false }
        return isViewChanged
    }

    private mutating func connect(
        _ peer: PeerID, _ address: Multiaddr, isDialer: Bool, _ now: Duration,
        _ unixMilliseconds: UInt64
    ) {
        connections[peer] =
            connections[peer]
            ?? Connection(since: now, isDialer: isDialer, isRelayed: address.isRelayed)
        for key in targets.keys where key == .peer(peer) || targets[key]?.answeredBy == peer {
            targets[key]?.settlesBy = nil
        }
        if isDialer { prefer(address, for: peer) }
        guard view[peer] != nil, isProven(peer) else { return }
        view.noteSuccess(of: peer, atMilliseconds: unixMilliseconds)
        isViewChanged = true
    }

    /// Whether the connection says that the peer is worth keeping in the view: the node reached it, or
    /// it is a member.
    ///
    /// A stranger that came by itself may be there to be dialled nowhere, and come a thousandfold.
    private func isProven(_ peer: PeerID) -> Bool {
        connections[peer].map { $0.isDialer || wanted.contains(peer) } ?? false
    }

    private mutating func disconnect(
        _ peer: PeerID, _ reason: String, _ now: Duration,
        _ generator: inout some RandomNumberGenerator
    ) -> [Directive] {
        guard let connection = connections.removeValue(forKey: peer) else { return [] }
        var directives = [Directive.note("connection lost: \(reason)", peer: peer, address: nil)]
        let wasGood = now - connection.since >= settings.goodConnectionAge
        var keys = targets.keys.filter { key in
            key == .peer(peer) || targets[key]?.answeredBy == peer
        }.sorted()
        if keys.isEmpty, wanted.contains(peer) || view[peer] != nil { keys = [.peer(peer)] }
        for key in keys {
            var target = targets[key] ?? DialTarget()
            if wasGood { target.failureCount = 0 }
            let isLoopback = addresses(of: key, target).first?.isLoopback ?? false
            let wait = target.fail(
                at: now, isLoopback: isLoopback, settings: settings, using: &generator)
            targets[key] = target
            directives.append(
                .note("dialling again in \(wait.milliseconds) ms", peer: peer, address: nil))
        }
        return directives
    }

    private mutating func identify(
        _ peer: PeerID, _ addresses: [Multiaddr], _ servesExchange: Bool
    ) -> [Directive] {
        guard var connection = connections[peer] else { return [] }
        let dialable = addresses.compactMap { address -> Multiaddr? in
            if let named = address.peerID, named != peer { return nil }
            guard let full = try? address.appending(peer), full.isDialable else { return nil }
            return full
        }
        var target = targets[.peer(peer)] ?? DialTarget()
        target.add(dialable, countMax: settings.addressCountMax)
        targets[.peer(peer)] = target
        let isFirst = servesExchange && !connection.servesExchange
        connection.servesExchange = servesExchange
        connection.isExchanging = connection.isExchanging || isFirst
        connections[peer] = connection
        return isFirst ? [.exchange(peer)] : []
    }

    private mutating func dialled(
        _ key: DialKey, _ address: Multiaddr, _ peer: PeerID, _ now: Duration
    ) {
        targets[key]?.isDialling = false
        targets[key]?.answeredBy = peer
        if !address.isRelayed { connections[peer]?.isRelayed = false }
        if connections[peer] == nil { targets[key]?.settlesBy = now + settings.settleTime }
        prefer(address, for: peer)
    }

    private mutating func prefer(_ address: Multiaddr, for peer: PeerID) {
        guard let named = try? address.appending(peer) else { return }
        var target = targets[.peer(peer)] ?? DialTarget()
        target.prefer(named, countMax: settings.addressCountMax)
        targets[.peer(peer)] = target
    }

    private mutating func dialFailed(
        _ key: DialKey, _ address: Multiaddr, _ reason: String, _ isHopeless: Bool,
        _ now: Duration, _ generator: inout some RandomNumberGenerator
    ) -> [Directive] {
        guard var target = targets[key] else { return [] }
        target.isDialling = false
        if case .peer(let peer) = key {
            view.noteFailure(of: peer)
            isViewChanged = isViewChanged || view[peer] != nil
        }
        guard !isHopeless else {
            targets[key] = nil
            return [.note("not dialled again: \(reason)", peer: nil, address: address)]
        }
        // The other addresses of the peer come first next time.
        if let index = target.addresses.firstIndex(of: address) {
            target.addresses.append(target.addresses.remove(at: index))
        }
        let wait = target.fail(
            at: now, isLoopback: address.isLoopback, settings: settings, using: &generator)
        targets[key] = target
        return [
            .note(
                "dial failed, again in \(wait.milliseconds) ms: \(reason)", peer: nil,
                address: address)
        ]
    }

    private mutating func configure(_ addresses: [Multiaddr]) {
        let keys = Set(addresses.map { DialKey($0) })
        for (key, target) in targets where target.isConfigured && !keys.contains(key) {
            targets[key]?.isConfigured = false
            // What is dialled for the list alone is forgotten with it; a dial under way stays.
            if case .address = key, !target.isDialling { targets[key] = nil }
        }
        for address in addresses where address.peerID != localPeer {
            let key = DialKey(address)
            var target = targets[key] ?? DialTarget()
            target.isConfigured = true
            target.add([address], countMax: settings.addressCountMax)
            targets[key] = target
        }
    }

    private mutating func take(
        _ records: [SignedPeerRecord], from sender: PeerID, _ unixMilliseconds: UInt64
    ) {
        for record in records
        where record.peerID != localPeer && !bans.contains(record.peerID) {
            switch view.insert(record, atMilliseconds: unixMilliseconds) {
            case .added, .updated: isViewChanged = true
            case .stale, .withoutAddress: break
            }
        }
        if isProven(sender), view[sender]?.lastSuccessMilliseconds == nil {
            view.noteSuccess(of: sender, atMilliseconds: unixMilliseconds)
        }
    }

    private mutating func setBans(_ bans: Bans) {
        self.bans = bans
        for peer in bans.peers where view[peer] != nil {
            view.remove(peer)
            isViewChanged = true
        }
    }

    private mutating func dueExchange(
        _ now: Duration, _ generator: inout some RandomNumberGenerator
    ) -> [Directive] {
        guard let due = nextExchange, due > now else {
            let isFirst = nextExchange == nil
            let jitter = settings.exchangeJitter * Double.random(in: -1...1, using: &generator)
            nextExchange = now + settings.exchangeInterval + jitter
            let peers = connections.filter { $0.value.servesExchange && !$0.value.isExchanging }
                .keys.sorted()
            guard !isFirst, let peer = peers.randomElement(using: &generator) else { return [] }
            connections[peer]?.isExchanging = true
            return [.exchange(peer)]
        }
        return []
    }

    private mutating func duePersist(_ now: Duration) -> [Directive] {
        let last = persistedAt ?? now
        persistedAt = last
        guard isViewChanged, now >= last + settings.persistInterval else { return [] }
        isViewChanged = false
        persistedAt = now
        return [.persist]
    }
}

extension Duration {
    /// Whole milliseconds, for a message.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
