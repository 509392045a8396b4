internal import LibP2P

/// Watches what is delivered and throws at the first wrong: a message that nobody wrote, one that is
/// delivered twice, an honest node that is blamed, a live node that does not hear.
struct AnnouncementChecker {
    /// An announcement on its way.
    struct Announcement {
        let author: Int
        let beganAt: UInt64
        /// The nodes that have to hear it, with their lives.
        let expected: [Int: Int]
        var message: GossipMessage?
        /// When it reached each node, and over how many others; the author's is 0.
        var arrivals: [Int: (milliseconds: UInt64, hopCount: Int, life: Int)] = [:]
    }

    private let scenario: AnnouncementScenario
    private(set) var announcements: [Int: Announcement] = [:]
    private var numbers: [GossipMessageID: Int] = [:]
    private var publishing: Int?
    private var checkedCount = 0

    /// Milliseconds from each announcement to each node that had to hear it.
    private(set) var latencies: [UInt64] = []
    /// The nodes between author and hearer, and the hearer, of the same.
    private(set) var hopCounts: [Int] = []
    /// Heartbeats until the last node had each announcement.
    private(set) var heartbeatCounts: [Int] = []

    init(scenario: AnnouncementScenario) {
        self.scenario = scenario
    }

    /// Whether every announcement has been checked.
    var isOver: Bool { checkedCount == scenario.announcementCount }

    /// Whether a node has been up for long enough.
    func isSettled(_ node: AnnouncementWorld.Node, at milliseconds: UInt64) -> Bool {
        let span = UInt64(AnnouncementScenario.settleSeconds * 1_000)
        return node.instance != nil && node.startedAt + span <= milliseconds
    }

    mutating func begin(
        _ number: Int, author: Int, nodes: [AnnouncementWorld.Node], milliseconds: UInt64
    ) {
        let start = Double(milliseconds) / 1_000
        // A partition that has ended needs as long as a new node until it is whole.
        let earliest = start - AnnouncementScenario.settleSeconds
        let isUnsettled = scenario.isUnsettled(atSeconds: start)
        let isWithinReach = Self.reach(of: author, nodes)
        let expected = nodes.indices.filter { node in
            // Who forges is soon listened to, and told of messages, by nobody.
            !isUnsettled && node != author && nodes[node].behavior != .forges
                && isWithinReach[node] && isSettled(nodes[node], at: milliseconds)
                && scenario.wereTogether(
                    author, node, from: earliest,
                    to: start + AnnouncementScenario.deadlineSeconds)
        }
        announcements[number] = Announcement(
            author: author, beganAt: milliseconds,
            expected: Dictionary(uniqueKeysWithValues: expected.map { ($0, nodes[$0].life) }))
        publishing = number
    }

    /// For each node whether connections lead to it from the author, over others that hand on.
    private static func reach(of author: Int, _ nodes: [AnnouncementWorld.Node]) -> [Bool] {
        var isReached = Array(repeating: false, count: nodes.count)
        isReached[author] = true
        var next = [author]
        while let node = next.popLast() {
            guard nodes[node].behavior == .honest else { continue }
            for peer in nodes[node].connections.keys where !isReached[peer] {
                isReached[peer] = true
                next.append(peer)
            }
        }
        return isReached
    }

    mutating func published(_ message: GossipMessage, by node: Int) {
        guard let number = publishing else { return }
        publishing = nil
        numbers[message.id] = number
        announcements[number]?.message = message
        let milliseconds = announcements[number]?.beganAt ?? 0
        announcements[number]?.arrivals[node] = (milliseconds, 0, 0)
    }

    mutating func delivered(
        _ message: GossipMessage, to node: Int, from sender: Int, life: Int, milliseconds: UInt64
    ) throws(SimulationFailure) {
        guard let number = numbers[message.id], announcements[number]?.message == message else {
            throw .unwrittenMessage(node: node)
        }
        if let earlier = announcements[number]?.arrivals[node], earlier.life == life {
            throw .deliveredTwice(node: node, announcement: number)
        }
        let hopCount = announcements[number]?.arrivals[sender]?.hopCount ?? 0
        announcements[number]?.arrivals[node] = (milliseconds, hopCount + 1, life)
    }

    func blamed(
        _ node: Int, behavior: AnnouncementScenario.Behavior, by other: Int
    ) throws(SimulationFailure) {
        guard behavior != .honest else { throw .honestNodeBlamed(node: node, by: other) }
    }

    /// Looks who has heard an announcement when its time is over.
    mutating func check(
        _ number: Int, nodes: [AnnouncementWorld.Node], milliseconds: UInt64
    ) throws(SimulationFailure) {
        checkedCount += 1
        guard let announcement = announcements[number] else { return }
        var slowest: UInt64 = 0
        var missing: [Int] = []
        for (node, life) in announcement.expected.sorted(by: { $0.key < $1.key }) {
            // One that was killed meanwhile need not have heard it.
            guard nodes[node].instance != nil, nodes[node].life == life else { continue }
            guard let arrival = announcement.arrivals[node] else {
                missing.append(node)
                continue
            }
            let latency = arrival.milliseconds - announcement.beganAt
            slowest = max(slowest, latency)
            latencies.append(latency)
            hopCounts.append(arrival.hopCount)
        }
        guard missing.isEmpty else {
            throw .announcementLost(number: number, nodes: missing)
        }
        heartbeatCounts.append(Int((slowest + 999) / 1_000))
    }
}
