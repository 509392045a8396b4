internal import LibP2P

/// Peers that broke the rules, and until when they are not talked to.
///
/// The first time costs ten seconds, each further one twice as much, up to ten minutes. What is
/// older than half an hour is forgotten, so an upgrade of a faulty program is not held against it.
struct Penalties {
    static let first = Duration.seconds(10)
    static let last = Duration.seconds(600)
    static let memory = Duration.seconds(1_800)
    /// Peers that are remembered; making further identities costs a stranger nothing.
    static let countMax = 1_024

    private struct Entry {
        var count = 0
        var until = Duration.zero
        var notedAt = Duration.zero
    }

    private var entries: [PeerID: Entry] = [:]

    var count: Int { entries.count }

    /// Notes an offence.
    ///
    /// - Returns: For how long the peer is not talked to.
    mutating func note(_ peer: PeerID, now: Duration) -> Duration {
        if entries[peer] == nil, entries.count >= Self.countMax {
            entries = entries.filter { now - $0.value.notedAt < Self.memory }
            if entries.count >= Self.countMax,
                let oldest = entries.min(by: { $0.value.notedAt < $1.value.notedAt })
            {
                entries[oldest.key] = nil
            }
        }
        var entry = entries[peer] ?? Entry()
        if now - entry.notedAt >= Self.memory { entry.count = 0 }
        let wait = min(Self.first * (1 << min(entry.count, 16)), Self.last)
        entry.count += 1
        entry.notedAt = now
        entry.until = now + wait
        entries[peer] = entry
        return wait
    }

    /// How much longer a peer is not talked to; nil if it is.
    func remaining(_ peer: PeerID, now: Duration) -> Duration? {
        guard let until = entries[peer]?.until, until > now else { return nil }
        return until - now
    }
}
