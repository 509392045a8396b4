import Cryptography
import Testing

@testable import Federation

@Suite struct SecureDropoutTests {
    /// Which members stop before they send their first frame of which kind.
    struct Pattern: Sendable, CustomTestStringConvertible {
        let name: String
        let stops: [Int: UInt8]
        var testDescription: String { name }
    }

    static func byte(_ kind: SecureFrame.Kind) -> UInt8 { kind.rawValue }
    static let maskedShard = SecureDataFrame.Kind.maskedShard.rawValue
    static let partialSum = SecureDataFrame.Kind.partialSum.rawValue

    /// The eight patterns of the specification, for ten members and a threshold of seven.
    static let patterns = [
        Pattern(name: "nobody", stops: [:]),
        Pattern(name: "one at deal", stops: [3: byte(.deal)]),
        Pattern(
            name: "three at mask",
            stops: [0: byte(.maskCommit), 4: byte(.maskCommit), 9: byte(.maskCommit)]),
        Pattern(
            name: "deal, mask and reveal",
            stops: [1: byte(.deal), 5: byte(.maskCommit), 8: byte(.reveal)]),
        // These own shards under the seed of the test.
        Pattern(name: "two owners at partial", stops: [2: byte(.partial), 6: byte(.partial)]),
        Pattern(
            name: "three at commit",
            stops: [2: byte(.commit), 3: byte(.commit), 7: byte(.commit)]),
        Pattern(
            name: "three at reveal",
            stops: [0: byte(.reveal), 1: byte(.reveal), 2: byte(.reveal)]),
        Pattern(
            name: "mask, partial and reveal",
            stops: [4: maskedShard, 6: byte(.partial), 9: byte(.reveal)]),
    ]

    @Test(arguments: patterns)
    func `the sum is recovered in every pattern`(pattern: Pattern) throws {
        var network = try SecureNetwork(count: 10, elements: 45_000, seed: 3)
        network.stops = { node, kind, _ in pattern.stops[node] == kind }
        network.startAll()
        network.run()
        let stopped = network.nodes.indices.filter { !network.nodes[$0].isAlive }
        if pattern.name.contains("partial") {
            #expect(!stopped.isEmpty, "no owner among those who were to stop")
        } else {
            #expect(stopped == pattern.stops.keys.sorted())
        }
        for node in network.nodes where node.isAlive {
            let sum = try #require(node.opened)
            #expect(network.isExact(sum))
            #expect(node.end?.reason == .certified)
            #expect(node.evidence == [])
        }
        #expect(network.violations() == [])
        // Who stopped before its masked vector was complete is not in the sum, all others are.
        let absent = pattern.stops.filter {
            $0.value == Self.byte(.deal) || $0.value == Self.byte(.maskCommit)
                || $0.value == Self.maskedShard
        }.count
        let most = network.nodes.compactMap { $0.opened?.participants.count }.max()
        #expect(most == 10 - absent || pattern.name.contains("partial"))
    }

    static let steps: [UInt8] =
        SecureFrame.Kind.allCases.filter { $0 != .status && $0 != .receipt && $0 != .contributors }
        .map(\.rawValue) + [maskedShard, partialSum]

    /// Seven members, a threshold of five: two may stop at any step, whoever they are.
    @Test(arguments: steps)
    func `stops of n - t members at a step never cost the sum`(kind: UInt8) throws {
        for seed in UInt64(1)...3 {
            var network = try SecureNetwork(count: 7, elements: 9000, seed: seed)
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
        var network = try SecureNetwork(count: 6, elements: 9000, seed: seed)
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
