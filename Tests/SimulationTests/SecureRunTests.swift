import Federation
import Simulation
import Testing

/// Whole federations whose rounds are secure.
///
/// In each run the world compares every opened sum with what the participants handed in, and every
/// frame with all that was signed before.
struct SecureRunTests {
    private static func outcomes(_ report: SimulationReport) -> [SecureRoundOutcome] {
        report.entries.compactMap(\.proposal.secure)
    }

    private func quartet() -> SimulationScenario {
        var scenario = SimulationScenario(name: "quartet")
        scenario.nodeCount = 4
        scenario.startMemberCount = 4
        scenario.quorumMinimum = 1
        scenario.secure = Manifest.SecureSettings(memberMinimum: 3)
        scenario.roundCount = 3
        scenario.limitSeconds = 600
        return scenario
    }

    @Test func `seven calm nodes sum everybody in each round`() {
        let report = SimulationRun(seed: 1, scenario: .secret).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(Set(report.adapters).count == 1)
        let outcomes = Self.outcomes(report)
        #expect(outcomes.count == 4)
        for outcome in outcomes {
            #expect(outcome.participants == report.keys.sorted(), "\(report)")
            guard case .summed(let summary) = outcome else { continue }
            #expect(summary.memberCount == 7)
            #expect(summary.weight == 7 * 8)
        }
        for entry in report.entries where entry.proposal.round > 0 {
            // floor(2 x 7 / 3) + 1
            #expect(entry.signatures.count >= 5)
            #expect(entry.proposal.participants.isEmpty)
        }
        // Nobody announced or fetched an update.
        for log in report.logs {
            #expect(
                !log.contains { record in
                    if case .updateAnnounced = record { true } else { false }
                })
        }
    }

    @Test func `members of unequal rank agree on the mean of their products`() {
        var scenario = SimulationScenario.secret
        scenario.aggregation = Manifest.AggregationSettings(
            aggregator: SketchedMean.name, wireForm: .ring32, outerMomentum: 0.5)
        let report = SimulationRun(seed: 2, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(Set(report.adapters).count == 1)
        #expect(Self.outcomes(report).allSatisfy { $0.participants == report.keys.sorted() })
    }

    @Test func `every sum opens again from what a node keeps of it`() throws {
        let report = SimulationRun(seed: 4, scenario: quartet()).run()
        // The world opens each transcript as it comes; the logs say of which sums there was one.
        for log in report.logs {
            let rounds = log.compactMap { record -> UInt64? in
                guard case .secureSumOpened(let round, let total, _) = record else { return nil }
                let summaries = report.entries.filter { $0.proposal.round == round }
                    .compactMap(\.proposal.secure)
                guard case .summed(let summary) = summaries.first else { return nil }
                #expect(summary.totalDigest == total)
                return round
            }
            #expect(rounds == Array(1...UInt64(rounds.count)))
        }
        #expect(report.logs.contains { log in log.contains { $0.kind == 22 } })
    }

    /// A majority of sixteen is more than a sum needs at least.
    @Test func `sixteen nodes sum everybody`() {
        var scenario = SimulationScenario.secret
        scenario.nodeCount = 16
        scenario.startMemberCount = 16
        scenario.roundCount = 1
        let report = SimulationRun(seed: 3, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 1)
        #expect(Self.outcomes(report).map(\.participants.count) == [16])
    }

    @Test func `three nodes with the setting for small groups sum and are warned`() {
        var scenario = quartet()
        scenario.nodeCount = 3
        scenario.startMemberCount = 3
        let report = SimulationRun(seed: 2, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 3)
        #expect(Self.outcomes(report).allSatisfy { $0.participants.count == 3 })
        for notifications in report.notifications {
            #expect(notifications.contains(.smallGroups(memberMinimum: 3)))
        }
    }

    /// JOIN to RESULT, and words: every kind of frame that a member sends in a round.
    private static let kinds: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 32, 33]
    /// Those that not every member sends: a proposer's, the owner's of the one shard, words to
    /// it, and a result that others may have certified first.
    private static let rareKinds: Set<UInt8> = [2, 7, 11, 14, 32, 33]

    @Test(arguments: kinds, [nil, 3.0])
    func `one of four killed before any frame costs no sum that the table allows`(
        kind: UInt8, restart: Double?
    ) {
        var crashCount = 0
        for node in Self.rareKinds.contains(kind) ? Array(0..<4) : [Int(kind) % 4]
        where crashCount == 0 {
            var scenario = quartet()
            scenario.frameKills = [
                .init(node: node, kind: kind, round: 2, restartSeconds: restart)
            ]
            let report = SimulationRun(seed: UInt64(kind) + 50, scenario: scenario).run()
            SimulationRunTests.expectConsensus(report, rounds: 3)
            let survivors = report.adapters.indices.filter { restart != nil || $0 != node }
            #expect(Set(survivors.map { report.adapters[$0] }).count == 1, "\(report)")
            crashCount += report.crashCount
            let outcomes = Self.outcomes(report)
            #expect(outcomes.count == 3)
            for outcome in outcomes {
                // Three of four are enough at every step, so each round has its sum.
                #expect(outcome.participants.count >= 3, "kind \(kind), node \(node): \(report)")
            }
        }
        #expect(crashCount == 1)
    }

    @Test(arguments: kinds)
    func `two of four killed before any frame end the round without a sum or with one`(
        kind: UInt8
    ) {
        var scenario = quartet()
        scenario.frameKills = [
            .init(node: 0, kind: kind, round: 2, restartSeconds: 4),
            .init(node: 2, kind: kind, round: 2, restartSeconds: 6),
        ]
        let report = SimulationRun(seed: UInt64(kind) + 90, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 3)
        #expect(Set(report.adapters).count == 1, "\(report)")
        #expect(Self.outcomes(report).count == 3)
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func `loss and delay and crashes never open a wrong sum or split the agreement`(
        seed: UInt64
    ) {
        let report = SimulationRun(seed: seed, scenario: .blizzard).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(Set(report.adapters).count == 1, "\(report)")
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `dense crashes in secure rounds never split the agreement`(seed: UInt64) {
        var scenario = SimulationScenario.blizzard
        scenario.crashRate = 0.002
        scenario.lossRate = 0
        scenario.roundCount = 3
        scenario.limitSeconds = 1800
        let report = SimulationRun(seed: seed, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 3)
        #expect(report.crashCount > 0)
    }

    @Test func `a member that is gone for good leaves, and another takes its place`() {
        var scenario = SimulationScenario(name: "five")
        scenario.nodeCount = 6
        scenario.startMemberCount = 5
        scenario.quorumMinimum = 1
        scenario.secure = Manifest.SecureSettings()
        scenario.roundCount = 7
        scenario.startSeconds = [0, 0, 0, 0, 0, 300]
        scenario.frameKills = [.init(node: 2, kind: 8, round: 2, restartSeconds: nil)]
        let report = SimulationRun(seed: 6, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 7)
        let outcomes = Self.outcomes(report)
        // Four are too few for a sum; after three rounds of silence the fifth is out.
        #expect(outcomes.filter { $0 == .lost }.count == 3, "\(report)")
        #expect(outcomes.first?.participants.count == 5)
        #expect(outcomes.last?.participants.count == 5)
        #expect(outcomes.last?.participants.contains(report.keys[5]) == true)
        let departures = report.entries.flatMap(\.proposal.departures)
        #expect(departures.map(\.member) == [report.keys[2]])
    }

    @Test func `a lost round leaves the adapter and takes the next update`() {
        var scenario = quartet()
        // Nobody is left to commit.
        scenario.frameKills = (0..<4).map {
            .init(node: $0, kind: 12, round: 2, restartSeconds: 2)
        }
        let report = SimulationRun(seed: 5, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 3)
        let rounds = report.entries.filter { $0.proposal.round > 0 }
        #expect(rounds[1].proposal.secure == .lost)
        #expect(rounds[1].result.adapterDigest == rounds[0].result.adapterDigest)
        #expect(rounds[2].proposal.secure?.participants.count == 4)
        #expect(rounds[1].proposal.absences.count == 4)
    }
}
