/// The messages that were met within a lifetime, each with its senders and what became of it.
///
/// An attacker can fill it, so it has a greatest size; the oldest messages are forgotten first.
struct SeenMessages {
    enum Outcome: Hashable {
        case pending
        case accepted(at: Duration)
        case rejected, ignored
    }

    struct Entry {
        let topic: String
        var senders: Set<PeerID>
        var outcome: Outcome
    }

    private let lifetime: Duration
    private let countMax: Int
    private var entries: [GossipMessageID: Entry] = [:]
    /// In ascending order of time; those before `start` are gone.
    private var order: [(id: GossipMessageID, expiry: Duration)] = []
    private var start = 0

    init(lifetime: Duration, countMax: Int) {
        self.lifetime = lifetime
        self.countMax = countMax
    }

    var count: Int { entries.count }

    subscript(id: GossipMessageID) -> Entry? { entries[id] }

    mutating func insert(
        _ id: GossipMessageID, topic: String, sender: PeerID?, outcome: Outcome, now: Duration
    ) {
        precondition(entries[id] == nil, "a message is inserted once")
        entries[id] = Entry(topic: topic, senders: sender.map { [$0] } ?? [], outcome: outcome)
        order.append((id, now + lifetime))
        if entries.count > countMax { removeFirst() }
    }

    /// Adds a sender; false if it has sent the message before.
    mutating func addSender(_ peer: PeerID, of id: GossipMessageID) -> Bool {
        entries[id]?.senders.insert(peer).inserted ?? false
    }

    mutating func settle(_ id: GossipMessageID, _ outcome: Outcome) {
        entries[id]?.outcome = outcome
    }

    mutating func expire(now: Duration) {
        while start < order.count, order[start].expiry <= now { removeFirst() }
    }

    private mutating func removeFirst() {
        entries[order[start].id] = nil
        start += 1
        if start > 1_024, start * 2 > order.count {
            order.removeFirst(start)
            start = 0
        }
    }
}
