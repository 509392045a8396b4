package import LibP2P

/// What is dialled: a peer, by whatever address is known of it, or an address of whoever is there.
package enum DialKey: Hashable, Comparable {
    case peer(PeerID)
    case address(Multiaddr)

    package init(_ address: Multiaddr) {
        self = address.peerID.map { .peer($0) } ?? .address(address)
    }

    package static func < (left: DialKey, right: DialKey) -> Bool {
        switch (left, right) {
        case (.peer(let a), .peer(let b)): a < b
        case (.address(let a), .address(let b)): a.bytes.lexicographicallyPrecedes(b.bytes)
        case (.peer, .address): true
        case (.address, .peer): false
        }
    }
}

/// How dialling one key has gone.
struct DialTarget {
    /// Addresses from the configuration, from dials that worked and from identify.
    var addresses: [Multiaddr] = []
    var isConfigured = false
    var isDialling = false
    /// Failures in a row.
    var failureCount = 0
    /// Not to be dialled before.
    var notBefore = Duration.zero
    /// Who answered last, where the key is an address.
    var answeredBy: PeerID?
    /// Until when a dial that was answered counts as under way, because the swarm's own word of
    /// the connection may come after the dial's.
    var settlesBy: Duration?

    /// Whether a dial is under way or was answered a moment ago.
    func isUnderWay(at now: Duration) -> Bool {
        isDialling || settlesBy.map { now < $0 } ?? false
    }

    /// Puts an address first, without having it twice, and drops the last ones beyond `countMax`.
    mutating func prefer(_ address: Multiaddr, countMax: Int) {
        addresses.removeAll { $0 == address }
        addresses.insert(address, at: 0)
        addresses.removeLast(max(0, addresses.count - countMax))
    }

    /// Adds addresses that are not known yet, up to `countMax` in all.
    mutating func add(_ more: [Multiaddr], countMax: Int) {
        for address in more where !addresses.contains(address) && addresses.count < countMax {
            addresses.append(address)
        }
    }

    /// Notes a failure and draws the wait before the next attempt.
    ///
    /// - Returns: The wait.
    mutating func fail(
        at now: Duration, isLoopback: Bool, settings: PeerConnectorSettings,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        failureCount += 1
        settlesBy = nil
        let wait = Self.wait(
            afterFailure: failureCount, isLoopback: isLoopback, settings: settings,
            using: &generator)
        notBefore = now + wait
        return wait
    }

    private static func wait(
        afterFailure count: Int, isLoopback: Bool, settings: PeerConnectorSettings,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = min(isLoopback ? count - 2 : count - 1, 16)
        let base =
            doublings < 0 ? settings.loopbackRetryWait : settings.retryWait * (1 << doublings)
        let jitter = settings.retryJitter
        let factor = Double.random(in: 1 - jitter...1 + jitter, using: &generator)
        return min(min(base, settings.retryWaitMax) * factor, settings.retryWaitMax)
    }
}

extension Multiaddr {
    /// Whether the address is one of this machine's own.
    var isLoopback: Bool {
        guard let host = tcpEndpoint?.host else { return false }
        return host.hasPrefix("127.") || host == "::1" || host == "localhost"
    }
}
