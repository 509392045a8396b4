internal import Cryptography
public import Federation
internal import Tensors

/// One aggregation method on ``RegressionTask``, through the very code that a federation runs:
/// selection, quantiser, bytes, inspector, aggregator.
public struct AggregationTrial: Sendable {
    /// Who mixes with whom in a round.
    public enum Mixing: Hashable, Sendable {
        /// Nobody.
        case none
        /// All in one group, from one consensus: what a federation does.
        case group
        /// Each node pushes its state to so many random others and averages what came with its own
        /// (epidemic learning): every node has a state of its own.
        case epidemic(pushes: Int)
    }

    /// Which directions a node trains.
    public enum Selection: Hashable, Sendable {
        /// Those that the aggregator says.
        case aggregators
        /// The first ones.
        case leading
    }

    /// The name of the row.
    public var label: String
    /// Aggregator, wire form and corrections.
    public var settings: Manifest.AggregationSettings
    /// The rank that each node can train.
    public var ranks = [2, 2, 4, 4, 8, 8, 16, 16]
    /// The rank that travels.
    public var wireRank = 16
    /// Who mixes with whom.
    public var mixing = Mixing.epidemic(pushes: 2)
    /// Which directions a node trains.
    public var selection = Selection.aggregators
    /// Whether a node cuts what it adopts to its own rank.
    public var keepsOwnRank = false
    /// Whether A and B are trained in turns.
    public var alternates = false
    /// How far the nodes' targets differ.
    public var shift = 0.3
    /// Rounds.
    public var roundCount = 40
    /// Adam steps per round.
    public var localStepCount = 10
    /// Adam's rate.
    public var learningRate = 0.02

    var size = RegressionTask.Size()

    /// The same on a task of a tenth of the size and with fewer rounds, for tests of a second.
    public var reduced: AggregationTrial {
        var trial = self
        trial.size = RegressionTask.Size(output: 24, input: 16, sharedRank: 6, batch: 8)
        trial.ranks = ranks.map { max(1, $0 / 2) }
        trial.wireRank = 8
        trial.roundCount = 10
        trial.localStepCount = 5
        return trial
    }

    /// A trial of one aggregator with the defaults of the table.
    public init(label: String, settings: Manifest.AggregationSettings) {
        self.label = label
        self.settings = settings
    }

    /// The test errors at the end.
    public struct Outcome: Hashable, Sendable {
        /// The mean over the nodes.
        public var mean: Double
        /// The worst node's.
        public var worst: Double
        /// What no matrix is below.
        public var floor: Double
        /// The greatest share of squared singular values that the last round dropped.
        public var droppedEnergy: Double
        /// The bytes of the last round's updates.
        public var byteCount: Int
    }

    /// Runs all rounds.
    public func run(seed: UInt64) -> Outcome {
        do throws(RejectReason) {
            var world = AggregationWorld(trial: self, seed: seed)
            for round in 1...UInt64(max(roundCount, 1)) { try world.run(round: round) }
            return world.outcome
        } catch {
            preconditionFailure("the trial \(label) was refused: \(error.sentence)")
        }
    }

    /// The means over some seeds.
    public func run(seeds: ClosedRange<UInt64>) -> Outcome {
        let outcomes = seeds.map { run(seed: $0) }
        func mean(_ value: (Outcome) -> Double) -> Double {
            outcomes.reduce(0) { $0 + value($1) } / Double(outcomes.count)
        }
        return Outcome(
            mean: mean(\.mean), worst: mean(\.worst), floor: mean(\.floor),
            droppedEnergy: mean(\.droppedEnergy), byteCount: outcomes.last?.byteCount ?? 0)
    }
}
