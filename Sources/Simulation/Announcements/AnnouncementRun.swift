public import Cryptography

/// One simulated overlay of announcing nodes: a seed and a scenario decide everything in it.
///
/// The machines are those of the node, over a network, a clock and faults that one seed decides.
public struct AnnouncementRun: Sendable {
    private let seed: UInt64
    private let scenario: AnnouncementScenario

    /// Prepares a run.
    public init(seed: UInt64, scenario: AnnouncementScenario) {
        self.seed = seed
        self.scenario = scenario
    }

    /// Runs until every announcement has had its time, or a checker objects.
    public func run() -> AnnouncementReport {
        var world = AnnouncementWorld(seed: seed, scenario: scenario)
        var failure: SimulationFailure?
        do throws(SimulationFailure) {
            try world.runToEnd()
        } catch {
            failure = error
        }
        return AnnouncementReport(world: world, failure: failure)
    }
}

/// What a run came to.
public struct AnnouncementReport: Sendable, CustomStringConvertible {
    /// The seed of the run.
    public let seed: UInt64
    /// The scenario's name.
    public let scenario: String
    /// Nodes.
    public let nodeCount: Int
    /// What was wrong; `nil` if nothing was.
    public let failure: SimulationFailure?
    /// The digest of everything that happened, in order: equal seeds, equal traces.
    public let traceDigest: Digest
    /// Simulated seconds.
    public let seconds: Double
    /// Announcements that reached every node that had to hear them.
    public let announcementCount: Int
    /// Pairs of an announcement and a node that had to hear it, and did.
    public let deliveryCount: Int
    /// The median time to a node, in milliseconds.
    public let medianMilliseconds: UInt64
    /// The time within which 99 of 100 nodes had an announcement, in milliseconds.
    public let percentile99Milliseconds: UInt64
    /// The time until the last node had an announcement, in milliseconds.
    public let slowestMilliseconds: UInt64
    /// Heartbeats until all live nodes had the announcement that took longest.
    public let heartbeatCount: Int
    /// The mean number of hops.
    public let meanHopCount: Double
    /// The most hops.
    public let hopCountMax: Int
    /// Copies of an announcement that a node sends, on average.
    public let copiesPerNode: Double
    /// Frames that a node sends in a second, control and heartbeats included.
    public let framesPerNodeSecond: Double
    /// Bytes that a node sends in a second.
    public let bytesPerNodeSecond: Double
    /// Kills.
    public let killCount: Int

    init(world: AnnouncementWorld, failure: SimulationFailure?) {
        let checker = world.checker
        let latencies = checker.latencies.sorted()
        func quantile(_ share: Double) -> UInt64 {
            latencies.isEmpty ? 0 : latencies[Int(Double(latencies.count - 1) * share)]
        }
        let nodeSeconds = Double(world.nodes.count) * max(1, world.seconds)
        seed = world.seed
        scenario = world.scenario.name
        nodeCount = world.nodes.count
        self.failure = failure
        traceDigest = world.trace.finalize()
        seconds = world.seconds
        announcementCount = checker.heartbeatCounts.count
        deliveryCount = latencies.count
        medianMilliseconds = quantile(0.5)
        percentile99Milliseconds = quantile(0.99)
        slowestMilliseconds = latencies.last ?? 0
        heartbeatCount = checker.heartbeatCounts.max() ?? 0
        meanHopCount =
            Double(checker.hopCounts.reduce(0, +)) / Double(max(1, checker.hopCounts.count))
        hopCountMax = checker.hopCounts.max() ?? 0
        copiesPerNode =
            Double(world.traffic.messageFrameCount)
            / Double(world.nodes.count * max(1, checker.heartbeatCounts.count))
        framesPerNodeSecond = Double(world.traffic.frameCount) / nodeSeconds
        bytesPerNodeSecond = Double(world.traffic.byteCount) / nodeSeconds
        killCount = world.traffic.killCount
    }

    /// The command that repeats this run.
    public var command: String {
        "starling simulate --exchange announce --seed \(seed) --scenario \(scenario) "
            + "--nodes \(nodeCount)"
    }

    /// What stands above a table of ``line``s.
    public static let head =
        "nodes  reached  heard    p50 ms  p99 ms  last ms  heartbeats  hops  most  copies  frames/s  "
        + "bytes/s  kills"

    /// The run as one line of a table.
    public var line: String {
        func cell(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.utf8.count)) + text
        }
        func number(_ value: Double) -> String {
            "\((value * 10).rounded() / 10)"
        }
        return [
            cell("\(nodeCount)", 5), cell("\(announcementCount)", 9), cell("\(deliveryCount)", 7),
            cell("\(medianMilliseconds)", 10), cell("\(percentile99Milliseconds)", 8),
            cell("\(slowestMilliseconds)", 9), cell("\(heartbeatCount)", 12),
            cell(number(meanHopCount), 6), cell("\(hopCountMax)", 6),
            cell(number(copiesPerNode), 8), cell(number(framesPerNodeSecond), 10),
            cell("\(Int(bytesPerNodeSecond))", 9), cell("\(killCount)", 7),
        ].joined()
    }

    /// One line with the outcome and the command that repeats it.
    public var description: String {
        let outcome = failure.map { "FAILED \($0)" } ?? "ok"
        return "\(outcome): \(announcementCount) announcements, each to every live node of "
            + "\(nodeCount); repeat with: \(command)"
    }
}
