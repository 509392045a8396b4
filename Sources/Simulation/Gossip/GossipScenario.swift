public import Federation

/// A simulated federation that gossips, and what goes wrong in it.
public struct GossipScenario: Hashable, Sendable {
    /// What a node does besides the protocol.
    public enum Behavior: String, Hashable, Sendable {
        /// What it should.
        case honest
        /// It sends its state to everybody instead of the drawn ones.
        case shouts
        /// Its states name a tensor that is not there.
        case unknownTensor
        /// Its states hold a value that is not finite.
        case notFinite
        /// Its states are far longer than the norm bound.
        case exceedsNorm
        /// It loses its store in every crash.
        case forgets
    }

    /// The name that the command takes.
    public var name: String
    /// Nodes, the author first.
    public var nodeCount = 30
    /// Members that a node knows of before it trains.
    public var startMemberCount = 16
    /// Rounds with training.
    public var roundCount = 10
    /// How states are exchanged and averaged.
    public var exchange = Manifest.ExchangeSettings.gossip
    /// The rule of the mean.
    public var aggregation = Manifest.AggregationSettings.spectral
    /// How far a round's training moves each element of a state, in standard deviations.
    public var trainingScale: Float = 0.02
    /// Milliseconds of a round's training by node; the last one holds for all further nodes.
    public var trainingMilliseconds: [UInt64] = [800, 1000, 1200, 900]
    /// Seconds at which nodes start; the last one holds for all further nodes.
    public var startSeconds: [Double] = [0]
    /// The first seconds in which only the author and its neighbours are known, or `false`: all
    /// members are known from the start.
    public var learnsRoster = true
    /// What nodes do; nodes that are not listed are honest.
    public var behaviors: [Int: Behavior] = [:]
    /// The chance that a message is lost.
    public var lossRate = 0.0
    /// The chance that a message comes twice.
    public var duplicateRate = 0.0
    /// The range of a message's delay; messages overtake each other within it.
    public var delayMilliseconds: ClosedRange<UInt64> = 5...60
    /// The chance that a fetch fails.
    public var fetchFailureRate = 0.0
    /// The chance of a crash between two directives of a node.
    public var crashRate = 0.0
    /// The range of a crashed node's time until it is back.
    public var restartMilliseconds: ClosedRange<UInt64> = 500...6000
    /// Kills at exact points.
    public var kills: [SimulationScenario.Kill] = []
    /// Spans without connections between two sides.
    public var partitions: [SimulationScenario.Partition] = []
    /// When a run that is not over counts as stalled, in simulated seconds.
    public var limitSeconds = 600.0

    /// A scenario without faults.
    public init(name: String) {
        self.name = name
    }
}

extension GossipScenario {
    /// Thirty nodes without faults.
    public static var calm: GossipScenario { GossipScenario(name: "calm") }

    /// Loss, duplicates, long delays, failing fetches and crashes between any two directives.
    public static var storm: GossipScenario {
        var scenario = GossipScenario(name: "storm")
        scenario.lossRate = 0.1
        scenario.duplicateRate = 0.05
        scenario.delayMilliseconds = 5...500
        scenario.fetchFailureRate = 0.1
        scenario.crashRate = 0.001
        return scenario
    }

    /// Two halves that do not see each other for a third of the run.
    public static var split: GossipScenario {
        var scenario = GossipScenario(name: "split")
        scenario.lossRate = 0.02
        scenario.partitions = [
            .init(startSeconds: 3, endSeconds: 8, side: Set(0..<12))
        ]
        return scenario
    }

    /// A third of the nodes comes when the others are half through.
    public static var late: GossipScenario {
        var scenario = GossipScenario(name: "late")
        scenario.startSeconds = (0..<30).map { $0 < 20 ? 0 : 10 }
        return scenario
    }

    /// Nodes that break the rules among ones that keep them.
    public static var hostile: GossipScenario {
        var scenario = GossipScenario(name: "hostile")
        scenario.behaviors = [
            3: .shouts, 7: .unknownTensor, 11: .notFinite, 15: .exceedsNorm, 19: .forgets,
        ]
        scenario.kills = [60, 110].map { .init(node: 19, afterDirectives: $0, restartSeconds: 1) }
        return scenario
    }

    /// Two hundred nodes that know each other.
    public static var crowd: GossipScenario {
        var scenario = GossipScenario(name: "crowd")
        scenario.nodeCount = 200
        scenario.learnsRoster = false
        scenario.roundCount = 6
        return scenario
    }

    /// The crowd in a storm, its first 66 nodes cut off for five seconds.
    public static var tempest: GossipScenario {
        var scenario = GossipScenario.crowd
        scenario.name = "tempest"
        scenario.lossRate = 0.05
        scenario.duplicateRate = 0.05
        scenario.delayMilliseconds = 5...400
        scenario.fetchFailureRate = 0.05
        scenario.crashRate = 0.0002
        scenario.partitions = [.init(startSeconds: 3, endSeconds: 8, side: Set(0..<66))]
        return scenario
    }

    /// Forty nodes in groups of at most sixteen that are redrawn each round.
    public static var groups: GossipScenario {
        var scenario = GossipScenario(name: "groups")
        scenario.nodeCount = 40
        scenario.exchange = .groups
        scenario.roundCount = 6
        return scenario
    }

    /// The scenarios that the command knows.
    public static var all: [GossipScenario] {
        [calm, storm, split, late, hostile, crowd, tempest, groups]
    }
}
