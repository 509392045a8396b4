internal import ArgumentParser
internal import Cryptography
internal import JSONDocuments
internal import Simulation

/// Runs a federation of simulated nodes, to replay what a seed did.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run the protocol on a simulated network; a seed names one run.",
        discussion: """
            The nodes run the very protocol that 'run' runs, with a simulated network, clock, disk \
            and trainer. Rules such as 'two results of one height are never both certified' are \
            checked after every step. Scenarios: \
            \(SimulationScenario.all.map(\.name).joined(separator: ", ")). With --aggregation the \
            aggregators are compared instead, on a regression task; that takes about a minute.
            """
    )

    @Option(help: "The seed of the first run.")
    var seed: UInt64 = 1

    @Option(help: "How the network and the nodes behave.")
    var scenario = "storm"

    @Option(help: "Runs, with the seeds that follow.")
    var runs = 1

    @Flag(help: "Compare the aggregators; --runs is the number of seeds.")
    var aggregation = false

    @Option(help: "With --aggregation: how far the nodes' targets differ, 0 to 10.")
    var shift = 0.3

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard SimulationScenario.all.contains(where: { $0.name == scenario }) else {
            let names = SimulationScenario.all.map(\.name).joined(separator: ", ")
            throw ValidationError("--scenario is '\(scenario)'; give one of \(names).")
        }
        guard (1...1_000_000).contains(runs) else {
            throw ValidationError("--runs is \(runs); give 1 or more.")
        }
        guard (0...10).contains(shift) else {
            throw ValidationError("--shift is \(shift); give a number from 0 to 10.")
        }
    }

    func run() throws {
        guard !aggregation else { return try compareAggregators() }
        try withConsole(output) { console in
            guard let chosen = SimulationScenario.all.first(where: { $0.name == scenario }) else {
                return
            }
            var failureCount = 0
            for offset in 0..<UInt64(runs) {
                let report = SimulationRun(seed: seed &+ offset, scenario: chosen).run()
                if report.failure != nil { failureCount += 1 }
                var record = JSONRecord()
                record.add("seed", "\(report.seed)")
                record.add("scenario", report.scenario)
                record.add("ok", .bool(report.failure == nil))
                record.add("heights", report.entries.count)
                record.add("simulated_seconds", report.seconds)
                record.add("messages", report.messageCount)
                record.add("bytes", report.byteCount)
                record.add("crashes", report.crashCount)
                record.add("trace_digest", report.traceDigest.hexadecimal)
                if let failure = report.failure {
                    record.add("failure", "\(failure)")
                    record.add("replay", report.command)
                }
                console.report(record, text: "\(report)")
            }
            if failureCount > 0 { throw ExitReason.verificationFailed.exitCode }
        }
    }

    private func compareAggregators() throws {
        let last = seed.addingReportingOverflow(UInt64(runs - 1))
        guard !last.overflow else {
            throw ValidationError("--seed is \(seed); give a number that leaves room for --runs.")
        }
        try withConsole(output) { console in
            for trial in AggregationTable.trials(shift: shift) {
                let outcome = trial.run(seeds: seed...last.partialValue)
                var record = JSONRecord()
                record.add("trial", trial.label)
                record.add("error", outcome.mean)
                record.add("worst_error", outcome.worst)
                record.add("floor", outcome.floor)
                record.add("bytes", outcome.byteCount)
                console.report(record, text: AggregationTable.line(trial, outcome))
            }
        }
    }
}
