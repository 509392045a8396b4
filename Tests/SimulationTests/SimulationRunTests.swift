import Federation
import Simulation
import Testing

/// Whole federations under faults. A failure's text holds the command that repeats it.
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
        print(report)
    }

    @Test func `the same seed gives the same trace and another seed another`() {
        let first = SimulationRun(seed: 7, scenario: .storm).run()
        let again = SimulationRun(seed: 7, scenario: .storm).run()
        let other = SimulationRun(seed: 8, scenario: .storm).run()
        #expect(first.traceDigest == again.traceDigest)
        #expect(first.traceDigest != other.traceDigest)
    }

    @Test(arguments: 1...16 as ClosedRange<UInt64>)
    func `loss and delay and reordering and crashes stop nobody from finishing`(seed: UInt64) {
        let report = SimulationRun(seed: seed, scenario: .storm).run()
        Self.expectConsensus(report, rounds: 20)
        #expect(Set(report.adapters).count == 1, "\(report)")
        print(report)
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `shifting partitions with crashes end in one consensus`(seed: UInt64) {
        let report = SimulationRun(seed: seed, scenario: .shatter).run()
        Self.expectConsensus(report, rounds: 10)
        #expect(Set(report.adapters).count == 1, "\(report)")
        print(report)
    }
}
