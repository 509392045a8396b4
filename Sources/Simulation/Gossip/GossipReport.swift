public import Cryptography
public import Federation

/// What a run of a gossiping federation came to.
public struct GossipReport: Sendable, CustomStringConvertible {
    /// One round as the nodes went through it.
    public struct Round: Hashable, Sendable {
        /// The round.
        public var number: UInt64
        /// The nodes that had a state of that very round.
        public var nodeCount = 0
        /// When the first of them had it, in simulated seconds.
        public var firstSeconds = 0.0
        /// When the last of them had it.
        public var lastSeconds = 0.0
        /// The states that came into a mean, in the mean over the nodes.
        public var inputCount = 0.0
        /// sqrt(mean ||x_i - mean||^2) over all of them, as only the simulator can see it.
        public var distance = 0.0
        /// The root mean square of what the nodes estimated from what they averaged.
        public var estimate = 0.0
        /// The norm of the mean of all of them.
        public var meanNorm = 0.0
    }

    /// The seed of the run.
    public let seed: UInt64
    /// The scenario's name.
    public let scenario: String
    /// What was wrong; `nil` if nothing was.
    public let failure: SimulationFailure?
    /// The digest of everything that happened, in order.
    public let traceDigest: Digest
    /// Simulated seconds.
    public let seconds: Double
    /// The rounds in order.
    public let rounds: [Round]
    /// Whether each node went through the last round.
    public let areFinished: [Bool]
    /// The distance over the last states of all honest nodes.
    public let finalDistance: Double
    /// The norm of their mean.
    public let finalMeanNorm: Double
    /// The log of each node.
    public let logs: [[LogRecord]]
    /// The keys of the nodes.
    public let keys: [PublicKey]
    /// Messages sent.
    public let messageCount: Int
    /// Bytes of messages sent.
    public let byteCount: Int
    /// Bytes of states fetched.
    public let fetchedByteCount: Int
    /// Crashes.
    public let crashCount: Int

    /// The command that repeats this run.
    public var command: String {
        "starling simulate --exchange gossip --seed \(seed) --scenario \(scenario)"
    }

    /// The greatest distance of a round.
    public var distanceMax: Double { rounds.map(\.distance).max() ?? 0 }

    /// One line with the outcome and the command that repeats it.
    public var description: String {
        let outcome = failure.map { "FAILED \($0)" } ?? "ok"
        let finished = areFinished.count { $0 }
        return "\(outcome): \(finished) of \(areFinished.count) nodes finished in \(seconds) s, "
            + "\(messageCount) messages, \(crashCount) crashes; repeat with: \(command)"
    }

    /// The line above the rounds in a table.
    public static let head =
        "round  nodes  first s   last s  inputs  distance  estimate  of the mean"

    /// A table with a line for each round.
    public var table: String {
        ([Self.head] + rounds.map(\.line)).joined(separator: "\n")
    }
}

extension GossipReport.Round {
    /// The round in a table.
    public var line: String {
        let relative = meanNorm > 0 ? 100 * distance / meanNorm : 0
        return [
            "\(number)".leading(5), "\(nodeCount)".leading(7), firstSeconds.fixed(1).leading(9),
            lastSeconds.fixed(1).leading(9), inputCount.fixed(2).leading(8),
            distance.fixed(5).leading(10), estimate.fixed(5).leading(10),
            (relative.fixed(2) + " %").leading(13),
        ].joined()
    }
}

extension String {
    /// The text with spaces before it up to a width.
    func leading(_ width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
