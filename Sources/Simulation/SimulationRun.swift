public import Cryptography
public import Federation

/// One simulated federation: a seed and a scenario decide everything that happens in it.
public struct SimulationRun: Sendable {
    private let seed: UInt64
    private let scenario: SimulationScenario

    /// Prepares a run.
    public init(seed: UInt64, scenario: SimulationScenario) {
        self.seed = seed
        self.scenario = scenario
    }

    /// Runs until every living node is finished, a checker objects, or the time limit passes.
    public func run() -> SimulationReport {
        var world = SimulationWorld(seed: seed, scenario: scenario)
        var failure: SimulationFailure?
        do throws(SimulationFailure) {
            try world.runToEnd()
        } catch {
            failure = error
        }
        return world.report(failure: failure)
    }
}

/// What a run came to.
public struct SimulationReport: Sendable, CustomStringConvertible {
    /// The seed of the run.
    public let seed: UInt64
    /// The scenario's name.
    public let scenario: String
    /// What was wrong; `nil` if nothing was.
    public let failure: SimulationFailure?
    /// The digest of everything that happened, in order: equal seeds, equal traces.
    public let traceDigest: Digest
    /// Simulated seconds.
    public let seconds: Double
    /// The certified entries in order of height.
    public let entries: [CertifiedEntry]
    /// When the first node stored each entry, in simulated seconds.
    public let entrySeconds: [Double]
    /// The adapter that each node adopted last; `nil` where a node adopted none.
    public let adapters: [ObjectID?]
    /// The greatest magnitude in the adapter that each node adopted last; 0 where there is none.
    public let largestElements: [Float]
    /// Whether each node finished the last round.
    public let areFinished: [Bool]
    /// The log of each node.
    public let logs: [[LogRecord]]
    /// What each node reported.
    public let notifications: [[Notification]]
    /// The keys of the nodes.
    public let keys: [PublicKey]
    /// Messages sent.
    public let messageCount: Int
    /// Bytes sent.
    public let byteCount: Int
    /// Crashes.
    public let crashCount: Int

    /// The command that repeats this run.
    public var command: String { "starling simulate --seed \(seed) --scenario \(scenario)" }

    /// One line with the outcome and the command that repeats it.
    public var description: String {
        let outcome = failure.map { "FAILED \($0)" } ?? "ok"
        return "\(outcome): \(entries.count) entries in \(seconds) s, \(messageCount) messages, "
            + "\(crashCount) crashes; repeat with: \(command)"
    }
}
