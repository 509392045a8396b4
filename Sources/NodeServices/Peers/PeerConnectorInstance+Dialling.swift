internal import LibP2P
internal import Transports

extension PeerConnectorInstance {
    /// The dials that are due: wanted peers, then configured addresses, then the view.
    mutating func dueDials(
        _ now: Duration, _ generator: inout some RandomNumberGenerator
    ) -> [Directive] {
        prune()
        var directives: [Directive] = []
        var budget = settings.dialCountMax - targets.values.filter { $0.isUnderWay(at: now) }.count
        func dial(_ key: DialKey, _ instance: inout PeerConnectorInstance) -> Bool {
            guard budget > 0, let address = instance.startDial(key, now) else { return false }
            budget -= 1
            directives.append(.dial(key, address))
            return true
        }
        for peer in wanted.sorted() { _ = dial(.peer(peer), &self) }

        let underWay = targets.values.filter { $0.isUnderWay(at: now) }.count
        var missing = settings.connectionCountTarget - connections.count - underWay
        guard missing > 0 else { return directives }
        let configured = targets.filter { $0.value.isConfigured }.keys.sorted()
            .shuffled(using: &generator)
        let known = view.peers.map { DialKey.peer($0) }.shuffled(using: &generator)
        for key in configured + known where missing > 0 {
            if dial(key, &self) { missing -= 1 }
        }
        return directives
    }

    /// Whether a target that is not due yet will be dialled when it is.
    func isWorthDialling(_ key: DialKey, _ target: DialTarget) -> Bool {
        guard !isConnected(key, target), !addresses(of: key, target).isEmpty else { return false }
        guard addresses(of: key, target).contains(where: { !bans.contains($0) }) else {
            return false
        }
        if case .peer(let peer) = key {
            if bans.contains(peer) { return false }
            if wanted.contains(peer) { return true }
            guard target.isConfigured || view[peer] != nil else { return false }
        }
        return connections.count < settings.connectionCountTarget
    }

    /// The addresses to try, in order: those that have worked, then those of the peer's record.
    func addresses(of key: DialKey, _ target: DialTarget) -> [Multiaddr] {
        guard case .peer(let peer) = key, let record = view[peer]?.record else {
            return target.addresses
        }
        return target.addresses
            + record.dialableAddresses.filter { !target.addresses.contains($0) }
    }

    private mutating func startDial(_ key: DialKey, _ now: Duration) -> Multiaddr? {
        if key == .peer(localPeer) { return nil }
        var target = targets[key] ?? DialTarget()
        guard !target.isUnderWay(at: now), target.notBefore <= now, !isConnected(key, target) else {
            return nil
        }
        if case .peer(let peer) = key, let record = view[peer]?.record {
            target.add(record.dialableAddresses, countMax: settings.addressCountMax)
        }
        if case .peer(let peer) = key, bans.contains(peer) { return nil }
        let isRelayed = connection(of: key, target)?.isRelayed ?? false
        guard
            let address = target.addresses.first(where: {
                !bans.contains($0) && !(isRelayed && $0.isRelayed)
            })
        else { return nil }
        target.isDialling = true
        target.settlesBy = nil
        targets[key] = target
        return address
    }

    /// Whether dialling would lead to nothing better.
    ///
    /// A connection with a wanted peer that goes through a relay is better gone without.
    private func isConnected(_ key: DialKey, _ target: DialTarget) -> Bool {
        guard let connection = connection(of: key, target) else { return false }
        guard connection.isRelayed, case .peer(let peer) = key, wanted.contains(peer) else {
            return true
        }
        return addresses(of: key, target).allSatisfy(\.isRelayed)
    }

    private func connection(of key: DialKey, _ target: DialTarget) -> Connection? {
        switch key {
        case .peer(let peer): connections[peer]
        case .address: target.answeredBy.flatMap { connections[$0] }
        }
    }

    /// Forgets targets that nothing asks for any more.
    private mutating func prune() {
        targets = targets.filter { key, target in
            if target.isConfigured || target.isDialling { return true }
            guard case .peer(let peer) = key else { return false }
            return wanted.contains(peer) || connections[peer] != nil || view[peer] != nil
        }
    }
}
