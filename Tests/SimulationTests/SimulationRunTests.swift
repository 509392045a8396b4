import Federation
import Simulation
import Testing

/// Whole federations under faults.
///
/// A failure's text holds the command that repeats it.
struct SimulationRunTests {
    static func expectConsensus(
        _ report: SimulationReport, rounds: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(report.failure == nil, "\(report)", sourceLocation: sourceLocation)
        let certified = report.entries.compactMap { entry in
            if case .round(let round) = entry.proposal.kind { round } else { nil }
        }
        #expect(certified == (1...UInt64(rounds)).map { $0 }, "\(report)")
    }

    @Test func `five calm nodes finish twenty rounds with everybody in each`() {
        let report = SimulationRun(seed: 1, scenario: .calm).run()
        Self.expectConsensus(report, rounds: 20)
        #expect(Set(report.adapters).count == 1)
        for entry in report.entries where entry.proposal.round > 0 {
            #expect(entry.proposal.participants.count == 5)
        }
    }

    @Test func `the same seed gives the same trace and another seed another`() {
        var scenario = SimulationScenario.storm
        scenario.roundCount = 5
        let first = SimulationRun(seed: 7, scenario: scenario).run()
        let again = SimulationRun(seed: 7, scenario: scenario).run()
        let other = SimulationRun(seed: 8, scenario: scenario).run()
        #expect(first.traceDigest == again.traceDigest)
        #expect(first.traceDigest != other.traceDigest)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `five nodes end twenty rounds under loss and delay and reordering and crashes`(
        seed: UInt64
    ) {
        let report = SimulationRun(seed: seed, scenario: .storm).run()
        Self.expectConsensus(report, rounds: 20)
        #expect(Set(report.adapters).count == 1, "\(report)")
        #expect(report.crashCount > 0)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `nodes of unequal rank end the storm with one adapter`(seed: UInt64) {
        let report = SimulationRun(seed: seed, scenario: .unequal).run()
        Self.expectConsensus(report, rounds: 10)
        #expect(Set(report.adapters).count == 1, "\(report)")
        // Two of the five train twice as many directions, and their updates are longer.
        let sizes = report.entries.flatMap(\.proposal.participants).map(\.summary.byteCount)
        #expect(Set(sizes).count == 2)
    }

    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func `dense crashes between any two directives never split the agreement`(seed: UInt64) {
        var scenario = SimulationScenario.storm
        scenario.nodeCount = 3 + Int(seed % 3)
        scenario.startMemberCount = scenario.nodeCount
        scenario.roundCount = 4
        scenario.lossRate = 0.2
        scenario.crashRate = 0.03
        let report = SimulationRun(seed: seed, scenario: scenario).run()
        Self.expectConsensus(report, rounds: 4)
        #expect(Set(report.adapters).count == 1, "\(report)")
    }

    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func `shifting partitions with crashes end in one consensus`(seed: UInt64) {
        let report = SimulationRun(seed: seed, scenario: .shatter).run()
        Self.expectConsensus(report, rounds: 10)
        #expect(Set(report.adapters).count == 1, "\(report)")
    }
}
