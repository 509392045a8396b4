import Simulation
import Testing

struct AnnouncementRunTests {
    private func run(
        _ scenario: AnnouncementScenario, nodeCount: Int = 60, seed: UInt64 = 1
    ) -> AnnouncementReport {
        var scenario = scenario
        scenario.nodeCount = nodeCount
        scenario.announcementCount = min(scenario.announcementCount, 30)
        // As many of a small network as of one of a thousand.
        scenario.killsPerSecond *= Double(nodeCount) / 1_000
        return AnnouncementRun(seed: seed, scenario: scenario).run()
    }

    @Test(arguments: AnnouncementScenario.all.map(\.name), [1] as [UInt64])
    func `every announcement reaches every live node`(name: String, seed: UInt64) throws {
        let scenario = try #require(AnnouncementScenario.all.first { $0.name == name })
        let report = run(scenario, seed: seed)
        #expect(report.failure == nil, "\(report)")
        #expect(report.announcementCount == scenario.announcementCount)
        #expect(report.deliveryCount > 20 * report.announcementCount)
    }

    @Test func `equal seeds give equal traces and other seeds others`() {
        let first = run(.storm, nodeCount: 40)
        #expect(first.traceDigest == run(.storm, nodeCount: 40).traceDigest)
        #expect(first.traceDigest != run(.storm, nodeCount: 40, seed: 2).traceDigest)
    }

    @Test func `a network that loses nearly everything is found out`() {
        var scenario = AnnouncementScenario.calm
        scenario.lossRate = 0.97
        guard case .announcementLost? = run(scenario).failure else {
            Issue.record("nobody noticed")
            return
        }
    }

    @Test func `who hands nothing on costs copies and no announcement`() {
        let calm = run(.calm)
        let mute = run(.mute)
        #expect(calm.heartbeatCount == 1 && calm.hopCountMax <= 10)
        #expect(mute.failure == nil)
        #expect(mute.slowestMilliseconds > calm.slowestMilliseconds)
    }
}
