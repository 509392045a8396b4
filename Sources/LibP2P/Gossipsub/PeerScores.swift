/// The scores of a node's peers: each is a number that only this node knows, made of what the peer
/// did and did not do.
///
/// Source: gossipsub v1.1, section on peer scoring.
///
/// ### Deviations
/// The number of scores kept of peers that left is bounded.
public struct PeerScores: Sendable {
    private struct Entry {
        var topics: [String: TopicCounters] = [:]
        var application = 0.0
        var offences = 0.0
        var addressGroup: String?
        /// When the score of a peer that left is forgotten; nil while it is connected.
        var expiry: Duration?
    }

    /// What counts.
    public let parameters: GossipScoreParameters
    private var entries: [PeerID: Entry] = [:]
    private var groupCounts: [String: Int] = [:]
    private var lastDecay = Duration.zero

    /// Makes scores of no peers.
    public init(parameters: GossipScoreParameters) {
        self.parameters = parameters
    }

    /// The number of peers with a score, those that left included.
    public var count: Int { entries.count }

    /// The score of a peer; 0 for one that is not known.
    public func score(of peer: PeerID) -> Double {
        guard let entry = entries[peer] else { return 0 }
        var score = 0.0
        // Sums do not depend on the order of a dictionary.
        let names =
            entry.topics.count > 1 ? entry.topics.keys.sorted() : Array(entry.topics.keys)
        for name in names {
            guard let counters = entry.topics[name] else { continue }
            let topic = parameters.topic(name)
            score += counters.score(topic) * topic.topicWeight
        }
        if parameters.topicScoreMax > 0 { score = min(score, parameters.topicScoreMax) }
        score += entry.application * parameters.applicationWeight
        if let group = entry.addressGroup {
            let surplus = Double((groupCounts[group] ?? 0) - parameters.colocationThreshold)
            if surplus > 0 { score += surplus * surplus * parameters.colocationWeight }
        }
        let excess = entry.offences - parameters.behaviourThreshold
        if excess > 0 { score += excess * excess * parameters.behaviourWeight }
        return score
    }

    // MARK: Peers

    /// Notes that a peer is there.
    ///
    /// - Parameter addressGroup: What counts as one address for P6; nil counts for nothing.
    public mutating func connect(_ peer: PeerID, addressGroup: String?) {
        leaveGroup(of: peer)
        entries[peer, default: Entry()].expiry = nil
        entries[peer]?.addressGroup = addressGroup
        if let addressGroup { groupCounts[addressGroup, default: 0] += 1 }
    }

    /// Notes that a peer left; a score that is not positive is kept for a while.
    public mutating func disconnect(_ peer: PeerID, now: Duration) {
        guard var entry = entries[peer] else { return }
        guard score(of: peer) <= 0 else { return remove(peer) }
        for (name, var counters) in entry.topics {
            counters.firstDeliveries = 0
            counters.leaveMesh(parameters.topic(name))
            entry.topics[name] = counters
        }
        entry.expiry = now + parameters.retention
        entries[peer] = entry
        boundRetained()
    }

    /// Says what the application thinks of a peer; the value stays until the next.
    public mutating func setApplicationScore(_ score: Double, of peer: PeerID) {
        entries[peer]?.application = score
    }

    /// Adds to a peer's offences against the protocol.
    public mutating func penalize(_ peer: PeerID, count: Int) {
        entries[peer]?.offences += Double(count)
    }

    /// Decays every counter of the connected peers and forgets peers that left long ago, if the
    /// time for it has come.
    public mutating func decay(now: Duration) {
        while now - lastDecay >= parameters.decayInterval {
            // After a long pause one decay is enough: what happened meanwhile is not known.
            let isLate = now - lastDecay >= parameters.decayInterval * 60
            lastDecay = isLate ? now : lastDecay + parameters.decayInterval
            decayOnce(now: now)
        }
    }

    private mutating func decayOnce(now: Duration) {
        for (peer, entry) in entries where entry.expiry.map({ $0 <= now }) ?? false {
            remove(peer)
        }
        for (peer, var entry) in entries where entry.expiry == nil {
            for (name, var counters) in entry.topics {
                counters.decay(
                    parameters.topic(name), toZero: parameters.decayToZero, now: now)
                entry.topics[name] = counters.isBlank ? nil : counters
            }
            entry.offences *= parameters.behaviourDecay
            if entry.offences < parameters.decayToZero { entry.offences = 0 }
            entries[peer] = entry
        }
    }

    private mutating func remove(_ peer: PeerID) {
        leaveGroup(of: peer)
        entries[peer] = nil
    }

    private mutating func leaveGroup(of peer: PeerID) {
        guard let group = entries[peer]?.addressGroup else { return }
        let rest = (groupCounts[group] ?? 0) - 1
        groupCounts[group] = rest > 0 ? rest : nil
    }

    private mutating func boundRetained() {
        let retained = entries.compactMap { peer, entry in entry.expiry.map { (peer, $0) } }
        guard retained.count > parameters.retainedCountMax else { return }
        let first = retained.min { $0.1 == $1.1 ? $0.0 < $1.0 : $0.1 < $1.1 }
        if let first { remove(first.0) }
    }

    // MARK: Mesh and messages

    /// Notes that a peer came into the mesh of a topic.
    public mutating func graft(_ peer: PeerID, topic: String, now: Duration) {
        entries[peer]?.topics[topic, default: TopicCounters()].enterMesh(now: now)
    }

    /// Notes that a peer left the mesh of a topic.
    public mutating func prune(_ peer: PeerID, topic: String) {
        entries[peer]?.topics[topic]?.leaveMesh(parameters.topic(topic))
    }

    /// Counts a message that a peer brought first and that was accepted.
    public mutating func countFirstDelivery(_ peer: PeerID, topic: String) {
        entries[peer]?.topics[topic, default: TopicCounters()]
            .countFirst(parameters.topic(topic))
    }

    /// Counts a further copy of an accepted message.
    ///
    /// - Parameter delay: The time since the first copy was accepted.
    public mutating func countRepetition(_ peer: PeerID, topic: String, delay: Duration) {
        let topicParameters = parameters.topic(topic)
        guard delay <= topicParameters.meshDeliveryWindow else { return }
        entries[peer]?.topics[topic]?.countMeshDelivery(topicParameters)
    }

    /// Counts a rejected message.
    public mutating func countInvalid(_ peer: PeerID, topic: String) {
        entries[peer]?.topics[topic, default: TopicCounters()].invalidDeliveries += 1
    }
}
