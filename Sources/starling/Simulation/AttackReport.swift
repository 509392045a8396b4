internal import JSONDocuments
internal import Simulation

/// The tables of attacks, as the command prints them.
struct AttackReport {
    /// The seeds of the table of learning; the other takes the first.
    let seeds: ClosedRange<UInt64>

    /// Prints every rule against every attack.
    func print(to console: Console) {
        for liarCount in [2, 4, 8] {
            report(
                AttackTable.errors(liarCount: liarCount, seed: seeds.lowerBound), table: "error",
                title: "distance from the honest mean over its norm, 20 members", to: console)
        }
        for liarCount in [2, 4, 8] {
            var trial = AttackTrial()
            trial.liarCount = liarCount
            var rows: [AttackTable.Row] = []
            AttackTable.accuracies(trial, seeds: seeds) { rows.append($0) }
            report(
                rows, table: "accuracy",
                title: "accuracy after \(trial.roundCount) rounds, \(trial.memberCount) members, "
                    + "seeds \(seeds)", to: console)
        }
    }

    private func report(
        _ rows: [AttackTable.Row], table: String, title: String, to console: Console
    ) {
        for (index, row) in rows.enumerated() {
            var record = JSONRecord()
            record.add("table", table)
            record.add("attack", row.attack)
            record.add("liars", row.liarCount)
            for (rule, value) in zip(AttackedRule.all, row.values) { record.add(rule.name, value) }
            let head = index == 0 ? title + "\n" + AttackTable.head + "\n" : ""
            console.report(record, text: head + AttackTable.line(row))
        }
    }
}
