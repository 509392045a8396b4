internal import LibP2P

/// Connections beyond what a node can use.
///
/// Source: network specification, section 9.2.
extension PeerConnectorInstance {
    /// Closes what is too much and old enough: first what others have dialled, the youngest of them
    /// first, so that whoever opens many connections loses those and not the ones that have proven
    /// their worth.
    mutating func dueClosings(_ now: Duration) -> [Directive] {
        let surplus = surplusCount
        guard surplus > 0 else { return [] }
        let closed = expendable.filter { now - $0.since >= settings.surplusGrace }
            .sorted { left, right in
                if left.isDialer != right.isDialer { return right.isDialer }
                return left.since == right.since
                    ? left.peer < right.peer : left.since > right.since
            }
            .prefix(surplus)
        return closed.map { candidate in
            connections[candidate.peer]?.isClosing = true
            return .close(
                candidate.peer,
                reason: "more than \(settings.connectionCountHigh) connections")
        }
    }

    /// When a connection that is too much comes of age; nil if there is none to wait for.
    func nextSurplus(_ now: Duration) -> Duration? {
        guard surplusCount > 0 else { return nil }
        return expendable.map { $0.since + settings.surplusGrace }.filter { $0 > now }.min()
    }

    /// Connections to members do not count: a group may be greater than what a node aims for.
    private var surplusCount: Int {
        connections.filter { !$0.value.isClosing && !wanted.contains($0.key) }.count
            - settings.connectionCountHigh
    }

    private var expendable: [(peer: PeerID, since: Duration, isDialer: Bool)] {
        connections.compactMap { peer, connection in
            guard !connection.isClosing, !wanted.contains(peer), !protectedPeers.contains(peer),
                targets[.peer(peer)]?.isConfigured != true
            else { return nil }
            return (peer, connection.since, connection.isDialer)
        }
    }
}
