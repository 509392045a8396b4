internal import LibP2P

/// Counts sockets and upgrades under way by IP address, and sockets by IPv6 network.
struct InboundGate {
    private struct Counts {
        var sockets = 0
        var upgrades = 0
    }

    let limits: TransportLimits
    private var counts: [String: Counts] = [:]
    private var siteCounts: [IPNetwork: Int] = [:]
    /// Inbound sockets of all addresses.
    private(set) var socketCount = 0

    init(limits: TransportLimits) {
        self.limits = limits
    }

    /// Counts a socket, or a circuit, whose upgrade begins.
    ///
    /// Circuits of one relay come from many hosts, so that only those under way are bounded.
    /// - Returns: The limit that forbids it, or `nil`.
    mutating func open(_ host: String, isCircuit: Bool = false) -> ResourceLimit? {
        let present = counts[host] ?? Counts()
        let countMax = min(limits.inboundConnectionCountMax, limits.connectionCountMax)
        guard socketCount < countMax else { return .inboundConnections(countMax) }
        if limits.countsLoopback || !Self.isLoopback(host) {
            guard isCircuit || present.sockets < limits.connectionCountMaxPerAddress else {
                return .connectionsPerAddress(limits.connectionCountMaxPerAddress)
            }
            let upgradeCountMax =
                isCircuit ? limits.upgradeCountMaxPerRelay : limits.upgradeCountMaxPerAddress
            guard present.upgrades < upgradeCountMax else {
                return .upgradesPerAddress(upgradeCountMax)
            }
            if let site = IPNetwork(siteOf: host) {
                let countMax = limits.connectionCountMaxPerAddress * limits.addressCountMaxPerSite
                guard siteCounts[site, default: 0] < countMax else {
                    return .connectionsPerSite(countMax)
                }
            }
        }
        if let site = IPNetwork(siteOf: host) { siteCounts[site, default: 0] += 1 }
        counts[host, default: Counts()].sockets += 1
        counts[host, default: Counts()].upgrades += 1
        socketCount += 1
        return nil
    }

    /// An upgrade has ended, in whatever way.
    mutating func endUpgrade(_ host: String) {
        counts[host]?.upgrades -= 1
    }

    /// A socket that was counted has been closed.
    mutating func close(_ host: String) {
        socketCount -= 1
        counts[host]?.sockets -= 1
        if counts[host]?.sockets == 0 { counts[host] = nil }
        guard let site = IPNetwork(siteOf: host), let present = siteCounts[site] else { return }
        siteCounts[site] = present > 1 ? present - 1 : nil
    }

    static func isLoopback(_ host: String) -> Bool {
        host.hasPrefix("127.") || host == "::1" || host.hasPrefix("::ffff:127.")
    }
}
