import Cryptography
import Testing

@testable import LibP2P

/// Whole networks of instances; a failure is repeated by its seed.
@Suite struct GossipsubSimulationTests {
    static let topic = GossipNetwork.topic

    /// Lets the meshes form, has random nodes publish a message every 100 ms, and gives them time.
    static func runTraffic(
        _ network: inout GossipNetwork, messageCount: Int, seed: UInt64,
        formed: Duration = .seconds(6), settled: Duration = .seconds(8)
    ) {
        var generator = SeededGenerator(seed: seed)
        network.run(until: formed)
        for number in 0..<messageCount {
            var publisher = Int.random(in: 0..<network.nodes.count, using: &generator)
            while network.attackers.contains(publisher) {
                publisher = Int.random(in: 0..<network.nodes.count, using: &generator)
            }
            network.publish([UInt8(number & 255), 1, 2, 3], by: publisher)
            network.run(until: network.now + .milliseconds(100))
        }
        network.run(until: network.now + settled)
    }

    @Test(arguments: [(30, 8, 11), (80, 6, 12), (200, 4, 13)] as [(Int, Int, UInt64)])
    func `without loss every message reaches every node once`(
        nodeCount: Int, dialCount: Int, seed: UInt64
    ) throws {
        var network = try GossipNetwork(nodeCount: nodeCount, dialCount: dialCount, seed: seed)
        let messageCount = 5
        Self.runTraffic(
            &network, messageCount: messageCount, seed: seed, formed: .seconds(3),
            settled: .seconds(3))
        #expect(network.missing.isEmpty && network.published.count == messageCount)
        let counts = Set(network.deliveries.flatMap(\.values))
        #expect(counts == [1])
        // Each node sends a message to its mesh at most, and the first one to all its peers.
        let perNode = Double(network.messageFrameCount) / Double(messageCount * nodeCount)
        #expect(perNode < 12)
    }

    @Test func `meshes stay within their bounds at every heartbeat`() throws {
        var network = try GossipNetwork(nodeCount: 60, seed: 21)
        var excess = 0
        network.check = { node, now in
            let count = node.meshPeers(of: Self.topic).count
            if count > 12 || (now > .seconds(5) && count < 4) { excess += 1 }
        }
        network.run(until: .seconds(20))
        #expect(excess == 0)
        let counts = network.nodes.map { $0.meshPeers(of: Self.topic).count }
        #expect(counts.allSatisfy { (5...12).contains($0) })
        // Both sides agree on who is whose mesh peer.
        for node in network.nodes {
            for peer in node.meshPeers(of: Self.topic) {
                let other = try #require(network.nodes.first { $0.peerID == peer })
                #expect(other.meshPeers(of: Self.topic).contains(node.peerID))
            }
        }
    }

    @Test(arguments: [31, 32, 33] as [UInt64])
    func `with a tenth of the frames lost every message still reaches every node`(seed: UInt64)
        throws
    {
        var network = try GossipNetwork(nodeCount: 40, seed: seed)
        network.lossRate = 0.1
        Self.runTraffic(&network, messageCount: 20, seed: seed)
        #expect(network.missing.isEmpty)
        #expect(Set(network.deliveries.flatMap(\.values)) == [1])
    }

    @Test func `it is the announcements that repair heavy loss`() throws {
        var parameters = GossipParameters()
        parameters.floodsOwnMessages = false
        var withGossip = try GossipNetwork(nodeCount: 30, seed: 41, parameters: parameters)
        withGossip.lossRate = 0.5
        Self.runTraffic(&withGossip, messageCount: 20, seed: 41)
        #expect(withGossip.missing.isEmpty)
        parameters.lazyCount = 0
        parameters.lazyFactor = 0
        var without = try GossipNetwork(nodeCount: 30, seed: 41, parameters: parameters)
        without.lossRate = 0.5
        Self.runTraffic(&without, messageCount: 20, seed: 41)
        #expect(!without.missing.isEmpty)
    }

    @Test func `whoever grafts against the back-off is graylisted by everybody it knows`() throws {
        var network = try GossipNetwork(nodeCount: 30, seed: 51, attackers: [0])
        let victims = network.links[0].sorted()
        network.attack = { _ in
            victims.map { ($0, GossipRPC.with { $0.prune = [.init(topic: Self.topic)] }) }
                + victims.map { ($0, GossipRPC.graft(Self.topic)) }
        }
        Self.runTraffic(&network, messageCount: 5, seed: 51)
        let attacker = try SamplePeer(0).id
        for victim in victims {
            let node = network.nodes[victim]
            #expect(node.scores.score(of: attacker) < node.scores.parameters.graylistThreshold)
            #expect(!node.meshPeers(of: Self.topic).contains(attacker))
        }
        #expect(network.missing.isEmpty)
    }

    @Test(arguments: [true, false])
    func `whoever sends invalid messages is graylisted, and honest nodes are not`(
        hasBrokenSignature: Bool
    ) throws {
        var network = try GossipNetwork(nodeCount: 30, seed: 61, attackers: [3])
        let attacker = try SamplePeer(3)
        let victims = network.links[3].sorted()
        network.judge = { $0.data.first == 0xbd ? .reject : .accept }
        var number: UInt64 = 0
        network.attack = { _ in
            number += 1
            var bytes = attacker.message(number, data: [0xbd]).bytes
            if hasBrokenSignature { bytes[bytes.count - 1] ^= 1 }
            return victims.map { ($0, GossipRPC.with { $0.messages = [bytes] }) }
        }
        Self.runTraffic(&network, messageCount: 5, seed: 61)
        for victim in victims {
            #expect(network.nodes[victim].scores.score(of: attacker.id) < -80)
        }
        for (number, node) in network.nodes.enumerated() where number != 3 {
            for other in network.links[number] where other != 3 {
                #expect(node.scores.score(of: network.nodes[other].peerID) >= 0)
            }
        }
        #expect(network.missing.isEmpty)
    }

    @Test func `a peer that announces what it does not have is graylisted`() throws {
        var network = try GossipNetwork(nodeCount: 30, seed: 71, attackers: [7])
        let attacker = try SamplePeer(7)
        let victims = network.links[7].sorted()
        var number: UInt64 = 0
        network.attack = { _ in
            number += 1
            let id = GossipMessageID(author: attacker.id, sequenceNumber: number)
            return victims.map { ($0, GossipRPC.ihave([id], topic: Self.topic)) }
        }
        Self.runTraffic(&network, messageCount: 5, seed: 71)
        for victim in victims {
            #expect(network.nodes[victim].scores.score(of: attacker.id) < -80)
        }
        #expect(network.missing.isEmpty)
    }

    @Test func `equal seeds give equal histories`() throws {
        func history() throws -> [[GossipMessageID: Int]] {
            var network = try GossipNetwork(nodeCount: 20, seed: 81)
            network.lossRate = 0.3
            Self.runTraffic(&network, messageCount: 5, seed: 81)
            return network.deliveries + [[.init(bytes: []): network.messageFrameCount]]
        }
        #expect(try history() == history())
    }

    @Test func `random events keep every bound`() throws {
        var bench = GossipBench()
        var generator = SeededGenerator(seed: 91)
        var known: [SamplePeer] = []
        for _ in 0..<30 { known.append(try bench.connect(isOutbound: generator.next() % 3 == 0)) }
        for step in 0..<3_000 {
            let peer = known[Int.random(in: 0..<known.count, using: &generator)]
            bench.now += .milliseconds(Int.random(in: 0..<400, using: &generator))
            let message = peer.message(UInt64.random(in: 0..<500, using: &generator))
            switch Int.random(in: 0..<10, using: &generator) {
            case 0: _ = bench.receive(.graft(), from: peer)
            case 1: _ = bench.receive(.prune(backoffSeconds: generator.next() % 100), from: peer)
            case 2: _ = bench.receive(.ihave([message.id]), from: peer)
            case 3: _ = bench.receive(.iwant([message.id]), from: peer)
            case 4, 5: _ = bench.receive(.message(message), from: peer)
            case 6:
                let verdicts: [GossipVerdict] = [.accept, .accept, .accept, .ignore, .reject]
                let verdict = verdicts[Int.random(in: 0..<5, using: &generator)]
                _ = bench.handle(.judged(message.id, verdict))
            case 7: _ = bench.handle(.disconnected(peer.id))
            case 8:
                _ = bench.handle(.connected(peer.id, GossipPeer(isOutbound: step % 3 == 0)))
                _ = bench.receive(.subscription([Self.topic]), from: peer)
            default:
                _ = bench.handle(.heartbeat)
                #expect(bench.instance.meshPeers(of: Self.topic).count <= 12)
            }
            let mesh = bench.instance.meshPeers(of: Self.topic)
            #expect(Set(mesh).isSubset(of: bench.instance.subscribers(of: Self.topic)))
            #expect(bench.score(peer).isFinite)
        }
    }
}
