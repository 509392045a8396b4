internal import Cryptography
internal import Federation

/// One simulated federation that gossips: a seed and a scenario decide everything.
public struct GossipRun: Sendable {
    private let seed: UInt64
    private let scenario: GossipScenario

    /// Prepares a run.
    public init(seed: UInt64, scenario: GossipScenario) {
        self.seed = seed
        self.scenario = scenario
    }

    /// Runs until every living node is through, a checker objects, or the time limit passes.
    public func run() -> GossipReport {
        var world = GossipWorld(seed: seed, scenario: scenario)
        var failure: SimulationFailure?
        do throws(SimulationFailure) {
            try world.runToEnd()
        } catch {
            failure = error
        }
        return world.report(failure: failure)
    }
}

extension GossipWorld {
    func report(failure: SimulationFailure?) -> GossipReport {
        let final = ledger.final
        return GossipReport(
            seed: seed, scenario: scenario.name, failure: failure,
            traceDigest: trace.finalize(), seconds: Double(milliseconds) / 1000,
            rounds: ledger.rounds, areFinished: nodes.map(\.isFinished),
            finalDistance: final.distance, finalMeanNorm: final.meanNorm,
            logs: nodes.map(\.log), keys: nodes.map(\.key.publicKey),
            messageCount: messageCount, byteCount: byteCount,
            fetchedByteCount: fetchedByteCount, crashCount: crashCount)
    }
}
