import Federation
import Simulation
import Testing

/// Whole federations whose rounds are secure inside groups and robust across them.
///
/// In each run the world compares the sum of every group with what its participants handed in.
struct GroupRunTests {
    private func rounds(_ report: SimulationReport) -> [CertifiedEntry] {
        report.entries.filter { $0.proposal.round > 0 }
    }

    @Test func `twelve calm nodes agree on the sums of three groups in each round`() {
        let report = SimulationRun(seed: 1, scenario: .clusters).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(Set(report.adapters).count == 1)
        var partitions: Set<[[Int]]> = []
        for entry in rounds(report) {
            #expect(entry.proposal.secure == nil, "\(report)")
            let sums = Dictionary(
                grouping: entry.proposal.participants, by: \.summary.objectID)
            #expect(sums.count == 3)
            #expect(entry.proposal.participants.count >= 9)
            partitions.insert(
                sums.values.map { $0.compactMap { report.keys.firstIndex(of: $0.summary.member) } }
                    .sorted { $0.lexicographicallyPrecedes($1) })
        }
        // Drawn anew each round.
        #expect(partitions.count == 4)
        // Nobody announced an update of its own.
        for log in report.logs {
            let objects = Set(
                log.compactMap { record in
                    if case .updateAnnounced(let item) = record {
                        item.summary.objectID
                    } else {
                        nil
                    }
                })
            #expect(objects.count == 12)
        }
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func `loss and delay and crashes never open a wrong sum or split the agreement`(
        seed: UInt64
    ) {
        var scenario = SimulationScenario.clusters
        scenario.lossRate = 0.05
        scenario.delayMilliseconds = 5...200
        scenario.crashRate = 0.0002
        scenario.limitSeconds = 3000
        let report = SimulationRun(seed: seed, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(Set(report.adapters).count == 1, "\(report)")
    }

    /// Commits are kind 12: nothing is opened without them.
    @Test func `a round in which a group has no sum is lost, and the next one goes on`() {
        var scenario = SimulationScenario.clusters
        scenario.limitSeconds = 3000
        scenario.frameKills = (0..<8).map {
            .init(node: $0, kind: 12, round: 2, restartSeconds: 3)
        }
        let report = SimulationRun(seed: 3, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(Set(report.adapters).count == 1, "\(report)")
        let rounds = rounds(report)
        guard rounds.count == 4 else { return }
        #expect(rounds[1].proposal.secure == .lost, "\(report)")
        #expect(rounds[1].result.adapterDigest == rounds[0].result.adapterDigest)
        #expect(rounds[2].proposal.secure == nil)
    }

    @Test func `one that is gone costs its group nothing`() {
        var scenario = SimulationScenario.clusters
        scenario.nodeCount = 13
        scenario.startMemberCount = 13
        scenario.limitSeconds = 3000
        scenario.frameKills = [.init(node: 5, kind: 8, round: 2, restartSeconds: nil)]
        let report = SimulationRun(seed: 4, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(rounds(report).allSatisfy { $0.proposal.secure == nil }, "\(report)")
        let survivors = report.adapters.indices.filter { $0 != 5 }
        #expect(Set(survivors.map { report.adapters[$0] }).count == 1, "\(report)")
    }
}

/// Plain rounds in which some lie within the bounds.
struct LiarRunTests {
    @Test func `a federation bears two liars of seven with the trimmed mean`() {
        let robust = SimulationRun(seed: 1, scenario: .liars).run()
        SimulationRunTests.expectConsensus(robust, rounds: 6)
        #expect(Set(robust.adapters).count == 1, "\(robust)")
        var open = SimulationScenario.liars
        open.aggregation.robustness = nil
        let mean = SimulationRun(seed: 1, scenario: open).run()
        SimulationRunTests.expectConsensus(mean, rounds: 6)
        #expect(robust.largestElements.max() ?? 9 < 0.6)
        #expect(mean.largestElements.max() ?? 0 > 0.7)
    }
}
