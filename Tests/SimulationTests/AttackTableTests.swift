import Foundation
import Simulation
import Testing

/// What attacks cost the rules: the printed tables, and what must hold in them.
@Suite struct AttackTableTests {
    private func value(_ row: AttackTable.Row, _ name: String) throws -> Double {
        row.values[try #require(AttackedRule.all.firstIndex { $0.name == name })]
    }

    @Test(arguments: [2, 4, 8])
    func `no liar moves a robust rule as far as it moves the mean`(liarCount: Int) throws {
        let rows = AttackTable.errors(liarCount: liarCount, seed: 1)
        print("error of the aggregate over the norm of the honest mean, 20 members")
        print(AttackTable.head)
        for row in rows { print(AttackTable.line(row)) }
        #expect(rows.count == 10)
        for row in rows {
            for value in row.values { #expect(value.isFinite && value >= 0) }
            // The norm bound of 2 alone: a liar is worth twice an honest member and points anywhere.
            #expect(try value(row, "mean") < 4 * Double(liarCount) / 20 + 0.1)
        }
        func row(_ attack: String) throws -> AttackTable.Row {
            try #require(rows.first { $0.attack == attack })
        }
        for attack in ["sign flip", "Gaussian 200", "IPM 2.0", "ALIE z=10.00"] {
            let row = try row(attack)
            let mean = try value(row, "mean")
            for rule in ["multi-krum", "trimmed-mean, mixed", "clipping, mixed"]
            where liarCount < 8 {
                #expect(try value(row, rule) < 0.75 * mean, "\(attack), \(rule)")
            }
        }
    }

    @Test func `the mean unlearns under long steps back, robust rules do not`() throws {
        var trial = AttackTrial().reduced
        trial.liarCount = 3
        func accuracy(_ name: String, _ attack: AttackTrial.Attack) throws -> Double {
            let rule = try #require(AttackedRule.all.first { $0.name == name })
            return trial.accuracy(rule, attack, seed: 1)
        }
        let honest = try accuracy("mean", .none)
        let back = AttackTrial.Attack.vector(.innerProduct(epsilon: 1000))
        let scaled = try accuracy("mean", back)
        let clipped = try accuracy("clipping, mixed", back)
        let flipped = try accuracy("multi-krum", .labelFlip)
        print("honest \(honest), mean \(scaled), clipping \(clipped), label flip \(flipped)")
        #expect(honest > 0.5)
        #expect(clipped > scaled + 0.2)
        #expect(flipped > 0.3)
    }

    /// The table of docs/robustness.md.
    @Test(
        .enabled(if: ProcessInfo.processInfo.environment["STARLING_FULL_TABLE"] != nil),
        arguments: [4, 8])
    func `what members learn under each attack`(liarCount: Int) throws {
        var trial = AttackTrial()
        trial.liarCount = liarCount
        var rows: [AttackTable.Row] = []
        AttackTable.accuracies(trial, seeds: 1...1) { rows.append($0) }
        print(
            (["accuracy"] + [AttackTable.head] + rows.map(AttackTable.line)).joined(separator: "\n")
        )
        let honest = try value(rows[0], "mean")
        #expect(honest > 0.85)
        let back = try #require(rows.first { $0.attack == "IPM 1000" })
        // Eight of twenty are more than the norm bound alone can hold.
        if liarCount == 8 { #expect(try value(back, "mean") < 0.3) }
        #expect(try value(back, "clipping, mixed") > 0.6)
    }

    @Test func `a seed repeats its outcome`() throws {
        let trial = AttackTrial().reduced
        let rule = AttackedRule.all[2]
        let attack = AttackTrial.Attack.vector(.gaussian(deviation: 200))
        let first = trial.accuracy(rule, attack, seed: 4)
        #expect(trial.accuracy(rule, attack, seed: 4) == first)
        #expect(
            AttackTable.errors(liarCount: 2, seed: 1) == AttackTable.errors(liarCount: 2, seed: 1))
    }
}
