internal import Federation
internal import Tensors

/// Members that learn together while some of them lie.
///
/// Every round each member trains from the common weights, all updates are cut to the norm bound,
/// as a federation demands it, and a rule makes one step of them. Updates are vectors of 170 numbers
/// and reach the rule as Doubles; what the wire does to them is not part of it.
public struct AttackTrial: Hashable, Sendable {
    /// What the liars do.
    public enum Attack: Hashable, Sendable {
        /// What the others do.
        case none
        /// They know what all others send, and send this.
        case vector(VectorAttack)
        /// They train as all others, on labels y turned into K - 1 - y.
        case labelFlip

        /// The name in tables.
        public var name: String {
            switch self {
            case .none: "none"
            case .vector(let attack): attack.name
            case .labelFlip: "label flip"
            }
        }
    }

    /// Members, liars among them.
    public var memberCount = 20
    /// The liars: the last ones.
    public var liarCount = 4
    /// Rounds.
    public var roundCount = 30
    /// Steps of a member in a round.
    public var stepCount = 5
    /// Samples of a step.
    public var batchSize = 16
    /// Samples of a member.
    public var samplesPerMember = 80
    /// The rate of the steps.
    public var learningRate = 0.02
    /// The greatest norm of an update: nearly all honest ones are below it.
    public var normBound = 0.3

    /// The trial of the table.
    public init() {}

    /// The same with fewer members, rounds and steps, for tests of a second.
    public var reduced: AttackTrial {
        var trial = self
        trial.memberCount = 10
        trial.liarCount = 2
        trial.roundCount = 8
        return trial
    }

    /// The attacks of the table.
    public var attacks: [Attack] {
        let z = VectorAttack.alieZ(memberCount: memberCount, liarCount: liarCount)
        return [
            .none, .vector(.signFlip), .vector(.scale(1000)), .vector(.littleIsEnough(z: z)),
            .vector(.littleIsEnough(z: 1.5)), .vector(.littleIsEnough(z: 10)),
            .vector(.innerProduct(epsilon: 0.1)), .vector(.innerProduct(epsilon: 2)),
            .vector(.innerProduct(epsilon: 1000)),
            .vector(.gaussian(deviation: 200)), .vector(.mimic), .labelFlip,
        ]
    }

    /// The share of test points that the common weights tell right at the end.
    public func accuracy(_ rule: AttackedRule, _ attack: Attack, seed: UInt64) -> Double {
        var generator = SplitMix64(seed: seed)
        let task = ClassificationTask(
            memberCount: memberCount, samplesPerMember: samplesPerMember, generator: &generator)
        let aggregation = rule.aggregation(memberCount: memberCount, liarCount: liarCount)
        var weights = [Double](
            repeating: 0, count: ClassificationTask.classCount * ClassificationTask.rowCount)
        for _ in 0..<roundCount {
            let updates = updates(from: weights, attack, task, &generator)
            let inputs = updates.enumerated().map {
                RobustAggregation.Input(id: [UInt8($0.offset)], values: bounded($0.element))
            }
            do {
                let step = try aggregation.aggregate(inputs)
                for place in weights.indices { weights[place] += step[place] }
            } catch {
                preconditionFailure("\(rule.name) refused the inputs: \(error)")
            }
        }
        return task.accuracy(of: weights)
    }

    /// The mean over some seeds.
    public func accuracy(
        _ rule: AttackedRule, _ attack: Attack, seeds: ClosedRange<UInt64>
    ) -> Double {
        let sum = seeds.reduce(0) { $0 + accuracy(rule, attack, seed: $1) }
        return sum / Double(seeds.count)
    }

    private func updates(
        from weights: [Double], _ attack: Attack, _ task: ClassificationTask,
        _ generator: inout SplitMix64
    ) -> [[Double]] {
        let honestCount = memberCount - liarCount
        var updates = (0..<memberCount).map { member in
            task.update(
                of: member, from: weights, stepCount: stepCount, batchSize: batchSize,
                rate: learningRate, flipsLabels: member >= honestCount && attack == .labelFlip,
                generator: &generator)
        }
        if case .vector(let attack) = attack {
            updates.replaceSubrange(
                honestCount...,
                with: attack.lies(
                    liarCount, among: Array(updates[..<honestCount]), using: &generator))
        }
        return updates
    }

    private func bounded(_ update: [Double]) -> [Double] {
        let norm = update.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return norm > normBound ? update.map { $0 * (normBound / norm) } : update
    }
}
