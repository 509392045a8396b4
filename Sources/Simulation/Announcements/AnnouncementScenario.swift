/// Nodes that tell each other by gossipsub, and what goes wrong between them.
public struct AnnouncementScenario: Hashable, Sendable {
    /// What a node does besides the protocol.
    public enum Behavior: String, Hashable, Sendable {
        /// What it should.
        case honest
        /// It takes messages and hands none on.
        case mute
        /// It sends messages of others with signatures that don't hold.
        case forges
    }

    /// The name that the command takes.
    public var name: String
    /// Nodes, at least 2.
    public var nodeCount = 1000
    /// Other nodes that each one dials: with those that dial it about twenty connections, what a
    /// node aims for.
    public var dialCount = 10
    /// Announcements, one a second, each by a node that is drawn.
    public var announcementCount = 20
    /// The bytes of an announcement; that of an update has 107 and a tree head about 300.
    public var announcementByteCount = 300
    /// One in so many nodes does something else than it should; 0 for none.
    public var deviantInterval = 0
    /// What those nodes do.
    public var deviation = Behavior.mute
    /// The range of a frame's way.
    ///
    /// Messages overtake each other within it; control stays in order.
    public var delayMilliseconds: ClosedRange<UInt64> = 5...60
    /// The chance that a frame with messages or their names is lost, as full queues drop them.
    public var lossRate = 0.0
    /// The chance that such a frame comes twice.
    public var duplicateRate = 0.0
    /// Nodes that are killed in a second, on average.
    public var killsPerSecond = 0.0
    /// The range of a killed node's time until it is back.
    public var restartMilliseconds: ClosedRange<UInt64> = 1_000...20_000
    /// Spans without connections between two sides.
    public var partitions: [SimulationScenario.Partition] = []

    /// A scenario without faults.
    public init(name: String) {
        self.name = name
    }

    /// How long a node has been up before it counts as one that has to hear: it has connections then
    /// and has been grafted.
    public static let settleSeconds = 5.0
    /// How long an announcement may take: the source's three heartbeats in which it is still told of,
    /// and as much again for the answer to a question that was lost.
    public static let deadlineSeconds = 10.0
}

extension AnnouncementScenario {
    /// Nothing goes wrong.
    public static var calm: AnnouncementScenario { AnnouncementScenario(name: "calm") }

    /// Loss, duplicates and long delays; one node in a hundred is killed every five seconds.
    public static var storm: AnnouncementScenario {
        var scenario = AnnouncementScenario(name: "storm")
        scenario.lossRate = 0.05
        scenario.duplicateRate = 0.05
        scenario.delayMilliseconds = 5...400
        scenario.killsPerSecond = 2
        return scenario
    }

    /// A third of the nodes is cut off for ten seconds.
    public static var split: AnnouncementScenario {
        var scenario = AnnouncementScenario(name: "split")
        scenario.lossRate = 0.02
        scenario.announcementCount = 30
        scenario.partitions = [.init(startSeconds: 14, endSeconds: 24, side: [])]
        return scenario
    }

    /// Every tenth node takes messages and hands none on, in a storm.
    public static var mute: AnnouncementScenario {
        var scenario = AnnouncementScenario.storm
        scenario.name = "mute"
        scenario.deviantInterval = 10
        return scenario
    }

    /// Every twentieth node forges messages of the others.
    public static var forgers: AnnouncementScenario {
        var scenario = AnnouncementScenario(name: "forgers")
        scenario.lossRate = 0.02
        scenario.deviantInterval = 20
        scenario.deviation = .forges
        return scenario
    }

    /// The scenarios that the command knows.
    public static var all: [AnnouncementScenario] { [calm, storm, split, mute, forgers] }
}

extension AnnouncementScenario {
    func behavior(of node: Int) -> Behavior {
        deviantInterval > 0 && node % deviantInterval == deviantInterval - 1 ? deviation : .honest
    }

    /// Whether two nodes can reach each other at a time.
    ///
    /// A partition without a side of its own cuts off the first third of the nodes.
    func canReach(_ one: Int, _ other: Int, atSeconds seconds: Double) -> Bool {
        partitions.allSatisfy { partition in
            guard (partition.startSeconds..<partition.endSeconds).contains(seconds) else {
                return true
            }
            return isInside(one, partition) == isInside(other, partition)
        }
    }

    /// Whether the nodes were together all through a span.
    func wereTogether(_ one: Int, _ other: Int, from start: Double, to end: Double) -> Bool {
        partitions.allSatisfy { partition in
            partition.endSeconds < start || partition.startSeconds > end
                || isInside(one, partition) == isInside(other, partition)
        }
    }

    /// Whether a partition began or ended so lately that nodes may be without any mesh, or is about
    /// to while an announcement of that time is on its way.
    func isUnsettled(atSeconds seconds: Double) -> Bool {
        partitions.contains { partition in
            [partition.startSeconds, partition.endSeconds].contains {
                ($0 - 1..<$0 + Self.settleSeconds).contains(seconds)
            }
        }
    }

    private func isInside(_ node: Int, _ partition: SimulationScenario.Partition) -> Bool {
        partition.side.isEmpty ? node < nodeCount / 3 : partition.side.contains(node)
    }
}
