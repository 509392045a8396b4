internal import Federation
internal import Tensors

/// Every rule against every attack.
public enum AttackTable {
    /// A line: what comes of each rule under one attack.
    public struct Row: Hashable, Sendable {
        /// The attack.
        public let attack: String
        /// How many of the members lie.
        public let liarCount: Int
        /// One value for each rule.
        public let values: [Double]
    }

    /// The number of members of ``errors(liarCount:seed:)``.
    public static let memberCount = 20

    /// How far the outcome of each rule lies from the mean of the honest updates, over the norm of
    /// that mean.
    ///
    /// Updates of 64 numbers: a common direction of norm 1 and noise of the same norm of each member's
    /// own. All are cut to a norm bound of 2.
    public static func errors(liarCount: Int, seed: UInt64) -> [Row] {
        var generator = SplitMix64(seed: seed)
        let size = 64
        let scale = 1 / Double(size).squareRoot()
        let common = (0..<size).map { _ in generator.bell() * scale }
        let honest = (0..<memberCount - liarCount).map { _ in
            common.map { $0 + generator.bell() * scale }
        }
        let mean = VectorAttack.mean(of: honest)
        return vectorAttacks(liarCount: liarCount).map { attack in
            let lies = attack.lies(liarCount, among: honest, using: &generator)
            let inputs = (honest + lies).enumerated().map {
                RobustAggregation.Input(id: [UInt8($0.offset)], values: bounded($0.element, to: 2))
            }
            return Row(
                attack: attack.name, liarCount: liarCount,
                values: AttackedRule.all.map { rule in
                    let aggregation = rule.aggregation(
                        memberCount: memberCount, liarCount: liarCount)
                    do {
                        return norm(zip(try aggregation.aggregate(inputs), mean).map { $0 - $1 })
                            / norm(mean)
                    } catch {
                        preconditionFailure("\(rule.name) refused the inputs: \(error)")
                    }
                })
        }
    }

    /// What a trial's members learn under each attack, over so many seeds.
    public static func accuracies(
        _ trial: AttackTrial, seeds: ClosedRange<UInt64>,
        report: (Row) -> Void
    ) {
        for attack in trial.attacks {
            report(
                Row(
                    attack: attack.name, liarCount: trial.liarCount,
                    values: AttackedRule.all.map { trial.accuracy($0, attack, seeds: seeds) }))
        }
    }

    /// The head of a printed table.
    public static var head: String {
        pad("attack", 14) + pad("liars", 6)
            + AttackedRule.all.map { pad($0.name, width(of: $0.name)) }.joined()
    }

    /// A row as it is printed.
    public static func line(_ row: Row) -> String {
        pad(row.attack, 14) + pad("\(row.liarCount)", 6)
            + zip(AttackedRule.all, row.values).map {
                pad($1.fixed(3), width(of: $0.name))
            }.joined()
    }

    private static func vectorAttacks(liarCount: Int) -> [VectorAttack] {
        let z = VectorAttack.alieZ(memberCount: memberCount, liarCount: liarCount)
        return [
            .signFlip, .scale(1000), .littleIsEnough(z: z), .littleIsEnough(z: 1.5),
            .littleIsEnough(z: 10), .innerProduct(epsilon: 0.1), .innerProduct(epsilon: 2),
            .innerProduct(epsilon: 1000),
            .gaussian(deviation: 200), .mimic,
        ]
    }

    private static func bounded(_ vector: [Double], to bound: Double) -> [Double] {
        let norm = norm(vector)
        return norm > bound ? vector.map { $0 * (bound / norm) } : vector
    }

    private static func norm(_ vector: [Double]) -> Double {
        vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    private static func width(of name: String) -> Int { max(name.count, 8) + 2 }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
