/// What peers have announced and were asked for: of each IWANT one message, so that a peer which
/// announces what it does not have is found out.
///
/// Source: gossipsub v1.1, section on spam protection measures, broken promises.
struct GossipPromises {
    private var deadlines: [GossipMessageID: [PeerID: Duration]] = [:]

    var count: Int { deadlines.count }

    mutating func add(_ id: GossipMessageID, by peer: PeerID, deadline: Duration) {
        // A peer that announces a message again is held to its first word.
        if deadlines[id]?[peer] == nil { deadlines[id, default: [:]][peer] = deadline }
    }

    /// The message has come, from whomever.
    mutating func fulfil(_ id: GossipMessageID) {
        deadlines[id] = nil
    }

    /// A peer that is gone is held to nothing.
    mutating func remove(_ peer: PeerID) {
        for id in deadlines.keys {
            deadlines[id]?[peer] = nil
            if deadlines[id]?.isEmpty ?? false { deadlines[id] = nil }
        }
    }

    /// Takes out the promises whose time is over, counted by peer.
    mutating func takeBroken(now: Duration) -> [PeerID: Int] {
        var counts: [PeerID: Int] = [:]
        for (id, peers) in deadlines {
            for (peer, deadline) in peers where deadline < now {
                counts[peer, default: 0] += 1
                deadlines[id]?[peer] = nil
            }
            if deadlines[id]?.isEmpty ?? false { deadlines[id] = nil }
        }
        return counts
    }
}
