import Federation
import Simulation
import Testing

/// Whole gossiping federations under faults.
///
/// A failure's text holds the command that repeats it.
struct GossipRunTests {
    private func run(_ seed: UInt64, _ scenario: GossipScenario) -> GossipReport {
        GossipRun(seed: seed, scenario: scenario).run()
    }

    private func expectAll(
        _ report: GossipReport, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(report.failure == nil, "\(report)", sourceLocation: sourceLocation)
        #expect(
            report.areFinished.allSatisfy { $0 }, "\(report)", sourceLocation: sourceLocation)
    }

    /// The adapters ended that much closer than they were when they were farthest apart.
    private func expectTogether(
        _ report: GossipReport, _ share: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let bound = share * report.distanceMax
        #expect(
            report.finalDistance < bound, "\(report.table)\n\(report.finalDistance)",
            sourceLocation: sourceLocation)
    }

    @Test func `thirty calm nodes go through all rounds and end close to each other`() {
        let report = run(1, .calm)
        expectAll(report)
        #expect(report.rounds.map(\.number) == Array(1...18))
        expectTogether(report, 0.05)
        // With a fan-out of 2 as many come in as go out.
        let inputs = report.rounds.map(\.inputCount)
        #expect(inputs.allSatisfy { $0 < 6 }, "\(inputs)")
        let mean = inputs.reduce(0, +) / Double(inputs.count)
        #expect(mean > 1.2, "\(inputs)")
    }

    @Test func `a crowd in a tempest goes through all rounds and ends together`() {
        var scenario = GossipScenario.tempest
        scenario.nodeCount = 80
        scenario.startMemberCount = 16
        let report = run(3, scenario)
        expectAll(report)
        #expect(report.crashCount > 0)
        expectTogether(report, 0.2)
    }

    @Test func `the same seed gives the same trace and another seed another`() {
        var scenario = GossipScenario.storm
        scenario.nodeCount = 12
        scenario.startMemberCount = 12
        scenario.roundCount = 3
        scenario.exchange.settlingRoundCount = 2
        #expect(run(7, scenario).traceDigest == run(7, scenario).traceDigest)
        #expect(run(7, scenario).traceDigest != run(8, scenario).traceDigest)
    }

    @Test func `without training noise the consensus distance shrinks geometrically`() {
        var scenario = GossipScenario.calm
        scenario.roundCount = 3
        scenario.exchange.settlingRoundCount = 12
        // Rounding to a byte would leave a floor of its own.
        scenario.aggregation.wireForm = .ring32
        let report = run(2, scenario)
        expectAll(report)
        let settling = report.rounds.filter { $0.number > 3 && $0.nodeCount > 20 }
        #expect(settling.count >= 10)
        let distances = settling.map(\.distance)
        for (earlier, later) in zip(distances, distances.dropFirst(3)) {
            #expect(later < 0.75 * earlier, "\(report.table)")
        }
        let last = distances.last ?? 1
        let first = distances.first ?? 0
        #expect(last < 0.06 * first, "\(report.table)")
    }

    @Test func `what nodes estimate is what the simulator sees`() {
        let report = run(3, .calm)
        expectAll(report)
        // Of the states before a mean, and so above the distance after it; the same magnitude.
        for round in report.rounds where round.nodeCount == 30 && round.number <= 10 {
            #expect(round.estimate > 0.8 * round.distance, "\(report.table)")
            #expect(round.estimate < 4 * round.distance, "\(report.table)")
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `thirty nodes finish under loss and delay and failing fetches and crashes`(
        seed: UInt64
    ) {
        let report = run(seed, .storm)
        expectAll(report)
        #expect(report.crashCount > 10)
        expectTogether(report, 0.2)
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `dense crashes between any two directives never make a node contradict itself`(
        seed: UInt64
    ) {
        var scenario = GossipScenario.storm
        scenario.nodeCount = 8
        scenario.startMemberCount = 8
        scenario.roundCount = 4
        scenario.exchange.settlingRoundCount = 3
        scenario.crashRate = 0.02
        let report = run(seed, scenario)
        expectAll(report)
        #expect(report.crashCount > 10)
    }

    @Test func `two halves drift apart and come together again`() {
        let report = run(4, .split)
        expectAll(report)
        expectTogether(report, 0.1)
    }

    @Test func `late comers start from what the others have`() {
        let report = run(5, .late)
        expectAll(report)
        expectTogether(report, 0.1)
        // None of the ten trains its first rounds alone.
        for node in 20..<30 {
            let first = report.logs[node].compactMap { record in
                if case .updateAnnounced(let item) = record,
                    item.summary.member == report.keys[node]
                {
                    item.summary.round
                } else {
                    nil
                }
            }.first
            #expect((first ?? 0) > 3)
        }
    }

    @Test func `nobody averages what breaks the rules, and all that keep them finish`() {
        let report = run(6, .hostile)
        expectAll(report)
        var reasons: Set<RejectReason> = []
        var accused: Set<Int> = []
        for log in report.logs {
            for record in log {
                switch record {
                case .updateRefused(_, let reason): reasons.insert(reason)
                case .equivocation(let found):
                    if let index = report.keys.firstIndex(of: found.member) {
                        accused.insert(index)
                    }
                default: break
                }
            }
        }
        #expect(reasons.contains(.notDrawn))
        #expect(reasons.contains(.updateUnknownTensor))
        #expect(reasons.contains(.updateNormExceeded))
        #expect(reasons.contains(.updateNonFinite))
        #expect(accused.isSubset(of: [19]))
        expectTogether(report, 0.1)
    }

    @Test func `two hundred nodes mix in a few rounds`() {
        let report = run(1, .crowd)
        expectAll(report)
        expectTogether(report, 0.1)
        #expect(report.table.contains("\n   14"))
    }

    @Test func `groups that are redrawn each round bring forty nodes together`() {
        let report = run(1, .groups)
        expectAll(report)
        let inputs = report.rounds.map(\.inputCount)
        #expect(inputs.allSatisfy { $0 <= 15 })
        #expect(inputs.contains { $0 > 8 }, "\(report.table)")
        expectTogether(report, 0.1)
    }

    @Test(arguments: [FactorMean.name, FrozenInputMean.name])
    func `factors can be averaged as well`(aggregator: String) {
        var scenario = GossipScenario.calm
        scenario.nodeCount = 10
        scenario.startMemberCount = 10
        scenario.roundCount = 4
        scenario.aggregation = .init(aggregator: aggregator, wireForm: .int8)
        let report = run(1, scenario)
        expectAll(report)
        expectTogether(report, 0.2)
    }
}
