public import Federation

/// What a simulated federation consists of and what goes wrong in it.
public struct SimulationScenario: Hashable, Sendable {
    /// A span in which nodes of different sides cannot reach each other.
    public struct Partition: Hashable, Sendable {
        /// When it begins, in simulated seconds.
        public var startSeconds: Double
        /// When it heals.
        public var endSeconds: Double
        /// The nodes on one side; the others are on the other.
        public var side: Set<Int>

        /// Takes the fields.
        public init(startSeconds: Double, endSeconds: Double, side: Set<Int>) {
            self.startSeconds = startSeconds
            self.endSeconds = endSeconds
            self.side = side
        }
    }

    /// A kill after an exact number of directives of one node.
    public struct Kill: Hashable, Sendable {
        /// The node.
        public var node: Int
        /// How many of its directives are still carried out.
        public var afterDirectives: Int
        /// When it starts again, in seconds after the kill; `nil` for never.
        public var restartSeconds: Double?

        /// Takes the fields.
        public init(node: Int, afterDirectives: Int, restartSeconds: Double?) {
            self.node = node
            self.afterDirectives = afterDirectives
            self.restartSeconds = restartSeconds
        }
    }

    /// A kill before a node sends a frame of a secure round.
    public struct FrameKill: Hashable, Sendable {
        /// The node.
        public var node: Int
        /// The kind of the frame, as in docs/protocol/secure-aggregation.md.
        public var kind: UInt8
        /// The round in which it happens.
        public var round: UInt64
        /// When it starts again, in seconds after the kill; `nil` for never.
        public var restartSeconds: Double?

        /// Takes the fields.
        public init(node: Int, kind: UInt8, round: UInt64, restartSeconds: Double?) {
            self.node = node
            self.kind = kind
            self.round = round
            self.restartSeconds = restartSeconds
        }
    }

    /// What a node does besides the protocol.
    public enum Behavior: String, Hashable, Sendable {
        /// What it should.
        case honest
        /// Its updates are far longer than the norm bound.
        case exceedsNorm
        /// Its updates name a tensor that is not there.
        case unknownTensor
        /// Its updates pull every element up, as far as the norm bound lets them.
        case pulls
    }

    /// The name that the command takes.
    public var name: String
    /// Nodes, the author first.
    public var nodeCount = 5
    /// Members before the first round.
    public var startMemberCount = 5
    /// The least participants of a round.
    public var quorumMinimum = 2
    /// Rounds of silence until a departure.
    public var absentRoundCountMax = 3
    /// Rounds to certify.
    public var roundCount = 20
    /// Milliseconds of one training step by node; the last one holds for all further nodes.
    public var stepMilliseconds: [UInt64] = [100]
    /// Steps of a round.
    public var localStepCount = 4
    /// Seconds at which nodes start; the last one holds for all further nodes.
    public var startSeconds: [Double] = [0]
    /// What nodes do; nodes that are not listed are honest.
    public var behaviors: [Int: Behavior] = [:]
    /// The chance that a message is lost.
    public var lossRate = 0.0
    /// The chance that a message comes twice.
    public var duplicateRate = 0.0
    /// The range of a message's delay; messages overtake each other within it.
    public var delayMilliseconds: ClosedRange<UInt64> = 5...40
    /// The chance that a fetch fails.
    public var fetchFailureRate = 0.0
    /// The chance of a crash between two directives of a node.
    public var crashRate = 0.0
    /// The range of a crashed node's time until it is back.
    public var restartMilliseconds: ClosedRange<UInt64> = 500...6000
    /// Kills at exact points.
    public var kills: [Kill] = []
    /// Kills before frames of secure rounds.
    public var frameKills: [FrameKill] = []
    /// Whether the proposer of each height's view 0 is killed once, when it proposes.
    public var killsProposers = false
    /// Spans without connections.
    public var partitions: [Partition] = []
    /// Pairs that never connect; the lower index first.
    public var brokenLinks: Set<[Int]> = []
    /// When each listed node asks to leave, in seconds.
    public var leaveSeconds: [Int: Double] = [:]
    /// How updates become the next adapter; other settings than those of version 1 have every other
    /// node train one of two directions.
    public var aggregation = Manifest.AggregationSettings.factorMean
    /// How rounds hide updates; `nil` for plain ones.
    public var secure: Manifest.SecureSettings?
    /// When a run that is not over counts as stalled, in simulated seconds.
    public var limitSeconds = 900.0

    /// A scenario without faults.
    public init(name: String) {
        self.name = name
    }
}

extension SimulationScenario {
    /// Five nodes, 20 rounds, no faults.
    public static var calm: SimulationScenario { SimulationScenario(name: "calm") }

    /// Loss, delay, duplicates, reordering, failing fetches and crashes between any two
    /// directives.
    public static var storm: SimulationScenario {
        var scenario = SimulationScenario(name: "storm")
        scenario.lossRate = 0.1
        scenario.duplicateRate = 0.05
        scenario.delayMilliseconds = 5...400
        scenario.fetchFailureRate = 0.1
        scenario.crashRate = 0.002
        scenario.stepMilliseconds = [100, 150, 80, 250, 120]
        return scenario
    }

    /// Two against three for 40 seconds, then whole again.
    public static var split: SimulationScenario {
        var scenario = SimulationScenario(name: "split")
        scenario.partitions = [Partition(startSeconds: 4, endSeconds: 44, side: [0, 1])]
        scenario.lossRate = 0.02
        return scenario
    }

    /// Two against two and one in between, with crashes: the hardest place for agreement.
    public static var shatter: SimulationScenario {
        var scenario = SimulationScenario.storm
        scenario.name = "shatter"
        scenario.partitions = [
            Partition(startSeconds: 3, endSeconds: 12, side: [0, 1]),
            Partition(startSeconds: 9, endSeconds: 20, side: [1, 2]),
            Partition(startSeconds: 15, endSeconds: 30, side: [0, 3, 4]),
            Partition(startSeconds: 26, endSeconds: 40, side: [2]),
        ]
        scenario.roundCount = 10
        return scenario
    }

    /// One of five is twenty times slower.
    public static var straggler: SimulationScenario {
        var scenario = SimulationScenario(name: "straggler")
        scenario.stepMilliseconds = [300, 300, 300, 300, 6000]
        scenario.roundCount = 6
        return scenario
    }

    /// Three nodes; the proposer of each height dies while it proposes.
    public static var regicide: SimulationScenario {
        var scenario = SimulationScenario(name: "regicide")
        scenario.nodeCount = 3
        scenario.startMemberCount = 3
        scenario.killsProposers = true
        scenario.roundCount = 10
        return scenario
    }

    /// The storm over nodes of unequal rank whose products are averaged, with an outer momentum.
    public static var unequal: SimulationScenario {
        var scenario = SimulationScenario.storm
        scenario.name = "unequal"
        scenario.aggregation = .spectral
        scenario.aggregation.outerMomentum = 0.5
        scenario.roundCount = 10
        return scenario
    }

    /// Seven nodes whose rounds are secure; nothing goes wrong.
    public static var secret: SimulationScenario {
        var scenario = SimulationScenario(name: "secret")
        scenario.nodeCount = 7
        scenario.startMemberCount = 7
        scenario.quorumMinimum = 2
        scenario.secure = Manifest.SecureSettings()
        scenario.roundCount = 4
        return scenario
    }

    /// The storm over secure rounds, with fewer crashes: each costs a member its round.
    public static var blizzard: SimulationScenario {
        var scenario = SimulationScenario.secret
        scenario.name = "blizzard"
        scenario.lossRate = 0.1
        scenario.duplicateRate = 0.05
        scenario.delayMilliseconds = 5...300
        scenario.crashRate = 0.0003
        scenario.stepMilliseconds = [100, 150, 80, 250, 120, 90, 200]
        return scenario
    }

    /// Two of seven pull as far as they can, the trimmed mean bears them; with loss and crashes.
    public static var liars: SimulationScenario {
        var scenario = SimulationScenario(name: "liars")
        scenario.nodeCount = 7
        scenario.startMemberCount = 7
        scenario.quorumMinimum = 5
        scenario.aggregation.robustness = .init(rule: .trimmedMean, liarCount: 2)
        scenario.behaviors = [1: .pulls, 4: .pulls]
        scenario.lossRate = 0.05
        scenario.crashRate = 0.001
        scenario.roundCount = 6
        return scenario
    }

    /// Twelve nodes in three groups, drawn anew each round: secret sums inside, centered clipping
    /// across; nothing goes wrong.
    public static var clusters: SimulationScenario {
        var scenario = SimulationScenario.secret
        scenario.name = "clusters"
        scenario.nodeCount = 12
        scenario.startMemberCount = 12
        scenario.secure = Manifest.SecureSettings(memberMinimum: 3)
        scenario.aggregation.robustness = .init(
            rule: .centeredClipping, liarCount: 1, groupMemberCount: 4)
        return scenario
    }

    /// The scenarios that the command knows.
    public static var all: [SimulationScenario] {
        [
            calm, storm, split, shatter, straggler, regicide, unequal, secret, blizzard, liars,
            clusters,
        ]
    }
}
