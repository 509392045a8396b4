/// Until when neither side of a PRUNE grafts again.
struct GossipBackoffs {
    /// Peers that back-offs of one topic are kept of; the first to end go first.
    static let countMaxPerTopic = 4_096

    private var ends: [String: [PeerID: Duration]] = [:]

    /// The end of a back-off that is not over, or nil.
    func end(of topic: String, _ peer: PeerID, now: Duration) -> Duration? {
        guard let end = ends[topic]?[peer], now < end else { return nil }
        return end
    }

    /// Whether a back-off is kept; it outlasts its end by the slack of ``expire(now:slack:)``.
    func contains(_ topic: String, _ peer: PeerID) -> Bool {
        ends[topic]?[peer] != nil
    }

    /// Begins a back-off, or lengthens the one there is.
    mutating func add(_ topic: String, _ peer: PeerID, until end: Duration) {
        if let present = ends[topic]?[peer], present >= end { return }
        ends[topic, default: [:]][peer] = end
        guard let peers = ends[topic], peers.count > Self.countMaxPerTopic else { return }
        let first = peers.min { $0.value == $1.value ? $0.key < $1.key : $0.value < $1.value }
        if let first { ends[topic]?[first.key] = nil }
    }

    /// Forgets back-offs that have been over for the slack, so that this node never grafts before
    /// the other side has seen the end.
    mutating func expire(now: Duration, slack: Duration) {
        for (topic, peers) in ends {
            let rest = peers.filter { now < $0.value + slack }
            ends[topic] = rest.isEmpty ? nil : rest
        }
    }
}
