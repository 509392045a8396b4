internal import ArgumentParser
internal import Cryptography
internal import Federation
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
            aggregators are compared instead, on a regression task; that takes about a minute. With \
            --attacks every rule against liars meets every attack, as vectors and in learning. With \
            --exchange gossip every node keeps an adapter of its own and averages what others push \
            to it; a table shows how far the adapters lie apart, round by round. Scenarios then: \
            \(GossipScenario.all.map(\.name).joined(separator: ", ")). With --exchange announce \
            the nodes tell each other by gossipsub, and every live node has to hear everything; a \
            table shows what that takes, for 100, 300 and 1000 nodes unless --nodes says otherwise. \
            Scenarios then: \(AnnouncementScenario.all.map(\.name).joined(separator: ", ")).
            """
    )

    @Option(help: "The seed of the first run.")
    var seed: UInt64 = 1

    @Option(help: "How the network and the nodes behave.")
    var scenario = "storm"

    @Option(help: "How nodes come together: group, gossip or announce.")
    var exchange = "group"

    @Option(
        help: "With --exchange gossip or announce: nodes, 2 to 1000; the scenario's unless set.")
    var nodes: Int?

    @Option(
        help: "With --exchange gossip: members that a node pushes to; the scenario's unless set.")
    var fanOut: Int?

    @Option(help: "Runs, with the seeds that follow.")
    var runs = 1

    @Flag(help: "Compare the aggregators; --runs is the number of seeds.")
    var aggregation = false

    @Option(help: "With --aggregation: how far the nodes' targets differ, 0 to 10.")
    var shift = 0.3

    @Flag(help: "Print what attacks cost the rules against liars; --runs is the number of seeds.")
    var attacks = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        let known: [String]
        switch exchange {
        case "group": known = SimulationScenario.all.map(\.name)
        case "gossip": known = GossipScenario.all.map(\.name)
        case "announce": known = AnnouncementScenario.all.map(\.name)
        default:
            throw ValidationError(
                "--exchange is '\(exchange)'; give group, gossip or announce.")
        }
        guard known.contains(scenario) else {
            let names = known.joined(separator: ", ")
            throw ValidationError("--scenario is '\(scenario)'; give one of \(names).")
        }
        guard (1...1_000_000).contains(runs) else {
            throw ValidationError("--runs is \(runs); give 1 or more.")
        }
        guard exchange != "group" || nodes == nil else {
            throw ValidationError("--nodes belongs to --exchange gossip or announce.")
        }
        guard exchange == "gossip" || fanOut == nil else {
            throw ValidationError("--fan-out belongs to --exchange gossip.")
        }
        if let nodes, !(2...1000).contains(nodes) {
            throw ValidationError("--nodes is \(nodes); give 2 to 1000.")
        }
        if let fanOut, !(1...15).contains(fanOut) {
            throw ValidationError("--fan-out is \(fanOut); give 1 to 15.")
        }
        guard (0...10).contains(shift) else {
            throw ValidationError("--shift is \(shift); give a number from 0 to 10.")
        }
    }

    func run() throws {
        let seeds = try seeds
        try withConsole(output) { console in
            if attacks { return AttackReport(seeds: seeds).print(to: console) }
            if aggregation { return compareAggregators(seeds, console) }
            let failureCount =
                switch exchange {
                case "announce": announce(seeds, console)
                case "gossip": gossip(seeds, console)
                default: agree(seeds, console)
                }
            if failureCount > 0 { throw ExitReason.verificationFailed.exitCode }
        }
    }

    /// Runs federations that certify; returns how many runs failed, as the two below do.
    private func agree(_ seeds: ClosedRange<UInt64>, _ console: Console) -> Int {
        guard let chosen = SimulationScenario.all.first(where: { $0.name == scenario }) else {
            return 0
        }
        return seeds.count { seed in
            let report = SimulationRun(seed: seed, scenario: chosen).run()
            console.report(report.record, text: "\(report)")
            return report.failure != nil
        }
    }

    private func gossip(_ seeds: ClosedRange<UInt64>, _ console: Console) -> Int {
        guard var chosen = GossipScenario.all.first(where: { $0.name == scenario }) else {
            return 0
        }
        if let nodes {
            chosen.nodeCount = nodes
            chosen.startMemberCount = min(chosen.startMemberCount, nodes)
        }
        if let fanOut { chosen.exchange.fanOut = fanOut }
        return seeds.count { seed in
            let report = GossipRun(seed: seed, scenario: chosen).run()
            for round in report.rounds {
                var record = JSONRecord()
                record.add("seed", "\(report.seed)")
                record.add("round", Int(round.number))
                record.add("nodes", round.nodeCount)
                record.add("first_seconds", round.firstSeconds)
                record.add("last_seconds", round.lastSeconds)
                record.add("inputs", round.inputCount)
                record.add("consensus_distance", round.distance)
                record.add("estimated_distance", round.estimate)
                record.add("mean_norm", round.meanNorm)
                let isFirst = round.number == report.rounds.first?.number
                console.report(
                    record, text: (isFirst ? GossipReport.head + "\n" : "") + round.line)
            }
            console.report(report.record, text: "\(report)")
            return report.failure != nil
        }
    }

    private func announce(_ seeds: ClosedRange<UInt64>, _ console: Console) -> Int {
        guard let chosen = AnnouncementScenario.all.first(where: { $0.name == scenario }) else {
            return 0
        }
        var head = AnnouncementReport.head + "\n"
        var failureCount = 0
        for seed in seeds {
            for nodeCount in nodes.map({ [$0] }) ?? [100, 300, 1_000] {
                var scenario = chosen
                scenario.nodeCount = nodeCount
                // As large a share of any network is killed as of the scenario's.
                scenario.killsPerSecond *= Double(nodeCount) / Double(chosen.nodeCount)
                let report = AnnouncementRun(seed: seed, scenario: scenario).run()
                console.report(report.record, text: head + report.line)
                head = ""
                guard report.failure != nil else { continue }
                failureCount += 1
                console.note("\(report)")
            }
        }
        return failureCount
    }

    private var seeds: ClosedRange<UInt64> {
        get throws {
            let last = seed.addingReportingOverflow(UInt64(runs - 1))
            guard !last.overflow else {
                throw ValidationError(
                    "--seed is \(seed); give a number that leaves room for --runs.")
            }
            return seed...last.partialValue
        }
    }

    private func compareAggregators(_ seeds: ClosedRange<UInt64>, _ console: Console) {
        for trial in AggregationTable.trials(shift: shift) {
            let outcome = trial.run(seeds: seeds)
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
