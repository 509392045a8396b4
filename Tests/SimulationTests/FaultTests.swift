import Federation
import Simulation
import Testing

/// Single faults at chosen points, and what users are told about them.
struct FaultTests {
    private func trio(_ rounds: Int) -> SimulationScenario {
        var scenario = SimulationScenario(name: "trio")
        scenario.nodeCount = 3
        scenario.startMemberCount = 3
        scenario.roundCount = rounds
        scenario.limitSeconds = 200
        return scenario
    }

    private func rounds(_ report: SimulationReport) -> [CertifiedEntry] {
        report.entries.filter { $0.proposal.round > 0 }
    }

    @Test(arguments: 0..<3, [31, 37, 44, 52, 60, 67, 75, 83, 92, 101, 118])
    func `any one of three killed for ever at any step lets the other two finish`(
        node: Int, step: Int
    ) {
        var scenario = trio(4)
        scenario.kills = [.init(node: node, afterDirectives: step, restartSeconds: nil)]
        let report = SimulationRun(seed: 3, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(report.crashCount == 1)
        let others = report.adapters.indices.filter { $0 != node }.map { report.adapters[$0] }
        #expect(Set(others).count == 1)
    }

    @Test(arguments: 0..<3, [31, 37, 44, 52, 60, 67, 75, 83, 92, 101, 118])
    func `a node killed at any step and restarted ends with the same digest`(
        node: Int, step: Int
    ) {
        var scenario = trio(4)
        scenario.kills = [.init(node: node, afterDirectives: step, restartSeconds: 2)]
        let report = SimulationRun(seed: 4, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        #expect(report.crashCount == 1)
        #expect(Set(report.adapters).count == 1, "\(report)")
    }

    @Test func `a dead member costs one deadline, is recorded as silent, and leaves`() {
        var scenario = trio(7)
        scenario.kills = [.init(node: 2, afterDirectives: 90, restartSeconds: nil)]
        let report = SimulationRun(seed: 5, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 7)
        let dead = report.keys[2]
        let silent = rounds(report).filter { entry in
            entry.proposal.absences.contains { $0.member == dead && $0.reason == .silent }
        }
        #expect(silent.count == 3)
        let departures = rounds(report).flatMap(\.proposal.departures)
        #expect(departures.map(\.member) == [dead])
        #expect(departures.map(\.reason) == [.silentRounds(3)])
        let spans = zip(report.entrySeconds, report.entrySeconds.dropFirst()).map { $1 - $0 }
        // The least deadline is 5 s; without a death a round takes below 1 s here.
        #expect(spans.filter { $0 > 3.5 }.count <= 1, "\(spans)")
        #expect(spans.allSatisfy { $0 < 8 }, "\(spans)")
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `the proposer of every height dies while it proposes and all rounds end`(seed: UInt64) {
        let report = SimulationRun(seed: seed, scenario: .regicide).run()
        SimulationRunTests.expectConsensus(report, rounds: 10)
        #expect(Set(report.adapters).count == 1)
        #expect(report.crashCount >= 4)
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func `after a split into two and three there is one consensus and the minority waited`(
        seed: UInt64
    ) {
        let report = SimulationRun(seed: seed, scenario: .split).run()
        SimulationRunTests.expectConsensus(report, rounds: 20)
        #expect(Set(report.adapters).count == 1)
        for node in [0, 1] {
            let told = report.notifications[node].contains { notification in
                if case .belowQuorum(reachable: 2, needed: 3) = notification { true } else { false }
            }
            #expect(told)
        }
        // Nothing is lost unrecorded: an update that was announced is in a round or in a log.
        for (node, log) in report.logs.enumerated() {
            for case .updateAnnounced(let item) in log
            where item.summary.member == report.keys[node] {
                let isIn = rounds(report).contains { $0.proposal.participants.contains(item) }
                let isLate = log.contains(.updateLate(item))
                #expect(isIn || isLate)
            }
        }
    }

    @Test func `a node twenty times slower contributes in part and never blocks`() {
        let report = SimulationRun(seed: 1, scenario: .straggler).run()
        SimulationRunTests.expectConsensus(report, rounds: 6)
        let slow = report.keys[4]
        for entry in rounds(report) {
            let part = entry.proposal.participants.first { $0.summary.member == slow }
            let absence = entry.proposal.absences.first { $0.member == slow }
            #expect((part != nil) != (absence != nil))
            if let absence { #expect(absence.reason == .tooSlow) }
            if let part { #expect(part.summary.exampleCount < 8) }
        }
        let spans = zip(report.entrySeconds, report.entrySeconds.dropFirst()).map { $1 - $0 }
        #expect(spans.allSatisfy { $0 < 9 }, "\(spans)")
    }

    @Test func `a slow node that finishes a step in time is summed with fewer examples`() {
        var scenario = SimulationScenario.straggler
        scenario.stepMilliseconds = [800, 800, 800, 800, 2000]
        let report = SimulationRun(seed: 1, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 6)
        let parts = rounds(report).flatMap(\.proposal.participants)
            .filter { $0.summary.member == report.keys[4] }
        #expect(!parts.isEmpty)
        #expect(parts.contains { $0.summary.exampleCount < 8 })
    }

    @Test func `a late joiner catches up and takes part without stopping the others`() {
        var scenario = SimulationScenario(name: "late joiner")
        scenario.nodeCount = 4
        scenario.startMemberCount = 3
        scenario.startSeconds = [0, 0, 0, 4]
        scenario.stepMilliseconds = [200]
        let report = SimulationRun(seed: 2, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 20)
        #expect(Set(report.adapters).count == 1)
        let joiner = report.keys[3]
        let first = rounds(report).firstIndex { entry in
            entry.proposal.participants.contains { $0.summary.member == joiner }
        }
        #expect(first != nil)
    }

    @Test func `a new node joins through any member when the author is gone`() {
        var scenario = SimulationScenario(name: "orphans")
        scenario.nodeCount = 4
        scenario.startMemberCount = 3
        scenario.startSeconds = [0, 0, 0, 10]
        scenario.stepMilliseconds = [400]
        scenario.kills = [.init(node: 0, afterDirectives: 120, restartSeconds: nil)]
        scenario.brokenLinks = [[1, 3]]
        let report = SimulationRun(seed: 2, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 20)
        let joiner = report.keys[3]
        #expect(report.entries.contains { $0.proposal.joins.contains { $0.member == joiner } })
    }

    @Test func `members without a direct connection agree through the others`() {
        var scenario = SimulationScenario(name: "broken links")
        scenario.nodeCount = 4
        scenario.startMemberCount = 4
        scenario.roundCount = 8
        scenario.brokenLinks = [[0, 1], [2, 3]]
        let report = SimulationRun(seed: 6, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 8)
        #expect(Set(report.adapters).count == 1)
    }

    @Test func `a member that leaves is out with the next entry and nobody waits for it`() {
        var scenario = trio(8)
        scenario.nodeCount = 4
        scenario.startMemberCount = 4
        scenario.leaveSeconds = [2: 2.5]
        let report = SimulationRun(seed: 1, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 8)
        let reasons = report.entries.flatMap(\.proposal.departures).map(\.reason)
        guard case .announced(let leave) = reasons.first else {
            Issue.record("no announced departure in \(reasons)")
            return
        }
        #expect(leave.member == report.keys[2])
        let spans = zip(report.entrySeconds, report.entrySeconds.dropFirst()).map { $1 - $0 }
        #expect(spans.allSatisfy { $0 < 4 }, "\(spans)")
    }

    @Test(arguments: [
        (SimulationScenario.Behavior.exceedsNorm, RejectReason.updateNormExceeded),
        (.unknownTensor, .updateUnknownTensor),
    ])
    func `a hostile update is refused with its reason and the others are unaffected`(
        behavior: SimulationScenario.Behavior, reason: RejectReason
    ) {
        var scenario = trio(4)
        scenario.nodeCount = 4
        scenario.startMemberCount = 4
        scenario.behaviors = [3: behavior]
        let report = SimulationRun(seed: 9, scenario: scenario).run()
        SimulationRunTests.expectConsensus(report, rounds: 4)
        let hostile = report.keys[3]
        for entry in rounds(report) {
            // Its own proposals count its update; nobody else commits to those.
            #expect(!entry.proposal.participants.contains { $0.summary.member == hostile })
            #expect(
                entry.proposal.absences == [.init(member: hostile, reason: .refused(reason))])
        }
        let refusals = report.logs[0].contains { record in
            if case .updateRefused(let summary, reason) = record {
                summary.member == hostile
            } else {
                false
            }
        }
        #expect(refusals)
    }
}
