import Cryptography
import Testing

@testable import Federation

@Suite struct SecureDropoutTests {
    /// How many members stop before they send their first frame of which kind.
    struct Pattern: Sendable, CustomTestStringConvertible {
        let name: String
        let stops: [UInt8: Int]
        var testDescription: String { name }
    }

    static func byte(_ kind: SecureFrame.Kind) -> UInt8 { kind.rawValue }
    static let maskedShard = SecureDataFrame.Kind.maskedShard.rawValue
    static let partialSum = SecureDataFrame.Kind.partialSum.rawValue

    /// The eight patterns of the specification, for ten members and a threshold of seven.
    static let patterns = [
        Pattern(name: "nobody", stops: [:]),
        Pattern(name: "one at deal", stops: [byte(.deal): 1]),
        Pattern(name: "three at mask", stops: [byte(.maskCommit): 3]),
        Pattern(
            name: "deal, mask and reveal",
            stops: [byte(.deal): 1, byte(.maskCommit): 1, byte(.reveal): 1]),
        Pattern(name: "two owners at partial", stops: [byte(.partial): 2]),
        Pattern(name: "three at commit", stops: [byte(.commit): 3]),
        Pattern(name: "three at reveal", stops: [byte(.reveal): 3]),
        Pattern(
            name: "mask, partial and reveal",
            stops: [maskedShard: 1, byte(.partial): 1, byte(.reveal): 1]),
    ]

    @Test(arguments: patterns)
    func `the sum is recovered in every pattern`(pattern: Pattern) throws {
        // As many chunks as shards that have different owners.
        var network = try SecureNetwork(count: 10, elements: 24_000, seed: 3)
        let stopped = StoppedMembers()
        network.stops = { node, kind, _ in stopped.stops(node, kind, pattern.stops) }
        network.startAll()
        network.run()
        #expect(stopped.perKind == pattern.stops)
        for node in network.nodes where node.isAlive {
            let sum = try #require(node.opened)
            #expect(network.isExact(sum))
            #expect(node.end?.reason == .certified)
            #expect(node.evidence == [])
            // Who stopped before its masked vector was complete is not in the sum. An owner that
            // stops takes its own vector along where another shard of it has to be sent again.
            let absent = [Self.byte(.deal), Self.byte(.maskCommit), Self.maskedShard]
                .reduce(0) { $0 + (pattern.stops[$1] ?? 0) }
            let owners = pattern.stops[Self.byte(.partial)] ?? 0
            #expect(sum.participants.count == 10 - absent - owners)
        }
        #expect(network.violations() == [])
    }

    /// Which members have stopped; a test's closure owns it, on one thread.
    final class StoppedMembers {
        var perKind: [UInt8: Int] = [:]

        func stops(_ node: Int, _ kind: UInt8, _ wanted: [UInt8: Int]) -> Bool {
            guard let count = wanted[kind], perKind[kind, default: 0] < count else { return false }
            perKind[kind, default: 0] += 1
            return true
        }
    }

    static let steps: [UInt8] =
        SecureFrame.Kind.allCases.filter {
            ![.status, .receipt, .contributors, .audit].contains($0)
        }
        .map(\.rawValue) + [maskedShard, partialSum]

    /// Seven members, a threshold of five: two may stop at any step, whoever they are.
    @Test(arguments: steps)
    func `stops of n - t members at a step never cost the sum`(kind: UInt8) throws {
        do {
            let seed: UInt64 = 1
            var network = try SecureNetwork(count: 7, elements: 9000, seed: seed + UInt64(kind))
            var generator = TestGenerator(state: seed &* 31 &+ UInt64(kind))
            let victims = [0, 1, 2, 3, 4, 5, 6].shuffled(using: &generator).prefix(2)
            // A few frames may already have left: a stop in the middle of a step.
            let after = Int.random(in: 0...2, using: &generator)
            network.stops = { node, sent, count in
                victims.contains(node) && sent == kind && count >= after
            }
            network.startAll()
            network.run()
            for node in network.nodes where node.isAlive {
                #expect(node.end?.reason == .certified, "seed \(seed), \(victims), after \(after)")
                #expect(node.opened != nil)
            }
            #expect(network.violations() == [])
        }
    }

    /// One more than the group can lose: it may end without a sum, but never with a wrong one.
    @Test(arguments: steps)
    func `stops of too many members open nobody`(kind: UInt8) throws {
        var network = try SecureNetwork(count: 7, elements: 300, seed: UInt64(kind))
        network.stops = { node, sent, _ in node % 2 == 0 && node < 6 && sent == kind }
        network.startAll()
        network.run()
        for node in network.nodes where node.isAlive {
            #expect(node.end != nil)
            if node.opened == nil {
                #expect(node.end?.reason != .certified)
            }
        }
        #expect(network.violations() == [])
        let stopped = network.nodes.count { !$0.isAlive }
        let isCritical = [SecureFrame.Kind.maskCommit, .commit, .reveal].map(\.rawValue)
        if stopped == 3, isCritical.contains(kind) {
            #expect(network.nodes.allSatisfy { $0.opened == nil })
        }
    }

    @Test func `the largest group of one mesh loses five of sixteen at commit and reveal`() throws {
        for kind in [SecureFrame.Kind.commit, .reveal] {
            var network = try SecureNetwork(count: 16, elements: 500, seed: 5)
            network.stops = { node, sent, _ in node % 3 == 0 && node < 15 && sent == kind.rawValue }
            network.startAll()
            network.run()
            #expect(network.nodes.count { !$0.isAlive } == 5)
            for node in network.nodes where node.isAlive {
                #expect(node.end?.reason == .certified)
                #expect(node.opened?.participants.count == 16)
            }
            #expect(network.violations() == [])
        }
    }

    @Test(arguments: UInt64(1)...6)
    func `loss, duplication and reordering cost time and nothing else`(seed: UInt64) throws {
        var timing = SecureNetwork.timing
        // A member whose share is lost twice must not be cut for it.
        timing.stepSeconds = 6
        // Nor a view given up while what was lost is on its way again.
        timing.dataSeconds = 5
        var network = try SecureNetwork(count: 6, elements: 9000, seed: seed, timing: timing)
        network.conditions.delayMilliseconds = 1...400
        network.conditions.lossPercent = 15
        network.conditions.duplicatePercent = 15
        network.startAll()
        network.run()
        for node in network.nodes {
            #expect(node.end?.reason == .certified, "\(String(describing: node.end))")
            #expect(node.opened.map(network.isExact) == true)
            #expect(node.evidence == [])
        }
        #expect(network.violations() == [])
    }

    @Test func `a member without an update helps and is not in the sum`() throws {
        var network = try SecureNetwork(count: 6, elements: 100, seed: 2)
        for index in network.nodes.indices { network.start(index, contributes: index != 2) }
        network.run()
        for node in network.nodes {
            #expect(node.end?.reason == .certified)
            #expect(node.opened?.participants.count == 5)
        }
        #expect(network.nodes[2].sent(.reveal).count > 0)
        #expect(network.violations() == [])
    }
}
