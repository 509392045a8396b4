import Cryptography
import Testing

@testable import LibP2P

/// The rules of gossipsub v1.0 and v1.1 about meshes: GRAFT, PRUNE, back-off, peer exchange.
@Suite struct GossipsubMeshTests {
    static let topic = GossipBench.topic

    @Test func `a new peer is told the topics first of all`() throws {
        var bench = GossipBench()
        let peer = try SamplePeer(1)
        let directives = bench.handle(.connected(peer.id, GossipPeer(isOutbound: true)))
        #expect(directives.sent(to: peer) == .subscription([Self.topic]))
    }

    @Test func `on a new stream of a known peer subscriptions and GRAFTs are repeated`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        bench.beat()
        let directives = bench.handle(.connected(peer.id, GossipPeer(isOutbound: false)))
        #expect(directives.sent(to: peer).subscriptions.map(\.topic) == [Self.topic])
        #expect(directives.sent(to: peer).graft == [Self.topic])
        #expect(bench.instance.subscribers(of: Self.topic) == [peer.id])
    }

    @Test func `subscribing announces the topic and grafts D of its peers`() throws {
        var bench = GossipBench(subscribes: false)
        let peers = try (0..<9).map { _ in try bench.connect() }
        let stranger = try bench.connect(topics: [])
        let directives = bench.handle(.subscribe(Self.topic))
        for peer in peers + [stranger] {
            #expect(
                directives.sent(to: peer).subscriptions
                    == [.init(isSubscribed: true, topic: Self.topic)])
        }
        let grafted = directives.receivers { $0.graft == [Self.topic] }
        #expect(grafted.count == 6 && grafted == bench.instance.meshPeers(of: Self.topic))
        #expect(!grafted.contains(stranger.id))
    }

    @Test func `unsubscribing prunes the mesh with the short back-off and grafts nobody within it`()
        throws
    {
        var bench = GossipBench()
        let peers = try (0..<3).map { _ in try bench.connect() }
        bench.beat()
        let directives = bench.handle(.unsubscribe(Self.topic))
        for peer in peers {
            let rpc = directives.sent(to: peer)
            #expect(rpc.subscriptions == [.init(isSubscribed: false, topic: Self.topic)])
            #expect(rpc.prune.map(\.backoffSeconds) == [10])
        }
        let again = bench.handle(.subscribe(Self.topic))
        #expect(again.receivers { !$0.graft.isEmpty }.isEmpty)
        #expect(bench.beat(10).receivers { !$0.graft.isEmpty }.isEmpty)
        // The slack of one heartbeat, then the peers may be grafted again.
        #expect(bench.beat(1).receivers { !$0.graft.isEmpty }.count == 3)
    }

    @Test func `below D_lo the heartbeat grafts up to D, above D_hi it prunes down to D`() throws {
        var bench = GossipBench()
        let peers = try (0..<20).map { _ in try bench.connect(isOutbound: true) }
        #expect(bench.beat().receivers { !$0.graft.isEmpty }.count == 6)
        for peer in peers { _ = bench.receive(.graft(), from: peer) }
        // Peers that this node dialled are let in above D_hi.
        #expect(bench.instance.meshPeers(of: Self.topic).count == 20)
        let directives = bench.beat()
        #expect(directives.receivers { $0.prune.map(\.backoffSeconds) == [60] }.count == 14)
        #expect(bench.instance.meshPeers(of: Self.topic).count == 6)
    }

    @Test func `an inbound GRAFT is refused from D_hi on, an outbound one is not`() throws {
        var bench = GossipBench()
        for _ in 0..<12 {
            let peer = try bench.connect()
            _ = bench.receive(.graft(), from: peer)
        }
        let inbound = try bench.connect()
        let outbound = try bench.connect(isOutbound: true)
        let refusal = bench.receive(.graft(), from: inbound).sent(to: inbound)
        #expect(refusal.prune.map(\.topic) == [Self.topic])
        #expect(refusal.prune.map(\.backoffSeconds) == [60])
        #expect(!bench.isMeshPeer(inbound) && bench.score(inbound) == 0)
        #expect(bench.receive(.graft(), from: outbound).sent(to: outbound).isEmpty)
        #expect(bench.isMeshPeer(outbound))
    }

    @Test func `pruning keeps the best and enough outbound peers`() throws {
        for seed in 0..<20 as Range<UInt64> {
            var bench = GossipBench()
            bench.generator = SeededGenerator(seed: seed)
            let inbound = try (0..<12).map { _ in try bench.connect() }
            for peer in inbound { _ = bench.receive(.graft(), from: peer) }
            let best = Array(inbound.prefix(4))
            for (index, peer) in best.enumerated() {
                _ = bench.accept(peer.message(UInt64(index)), from: peer)
            }
            let outbound = try (0..<3).map { _ in try bench.connect(isOutbound: true) }
            for peer in outbound { _ = bench.receive(.graft(), from: peer) }
            bench.beat()
            let mesh = bench.instance.meshPeers(of: Self.topic)
            #expect(mesh.count == 6)
            #expect(best.allSatisfy { mesh.contains($0.id) })
            #expect(outbound.count { mesh.contains($0.id) } == 2)
        }
    }

    @Test func `a mesh of inbound peers is filled up with outbound ones`() throws {
        var bench = GossipBench()
        for _ in 0..<6 {
            let peer = try bench.connect()
            _ = bench.receive(.graft(), from: peer)
        }
        let outbound = try (0..<5).map { _ in try bench.connect(isOutbound: true) }
        bench.beat()
        #expect(outbound.count { bench.isMeshPeer($0) } == 2)
    }

    @Test func `a GRAFT for a topic that the node does not want is not answered`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        #expect(bench.receive(.graft("another"), from: peer).isEmpty)
        #expect(bench.score(peer) == 0)
    }

    @Test func `a GRAFT during back-off is answered with PRUNE and counts, twice if it is a flood`()
        throws
    {
        var bench = GossipBench()
        let peer = try bench.connect()
        _ = bench.receive(.prune(), from: peer)
        bench.now = .seconds(20)
        let directives = bench.receive(.graft(), from: peer)
        #expect(directives.sent(to: peer).prune.map(\.topic) == [Self.topic])
        #expect(directives.notes == [.graftDuringBackoff(topic: Self.topic)])
        #expect(bench.score(peer) == -10)
        // The PRUNE began a new back-off: within 10 s of it a GRAFT is a flood, 1 + 2 = 3.
        bench.now = .seconds(25)
        _ = bench.receive(.graft(), from: peer)
        #expect(bench.score(peer) == -90)
        #expect(!bench.isMeshPeer(peer))
    }

    @Test func `after the back-off a GRAFT is welcome`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        _ = bench.receive(.prune(backoffSeconds: 5), from: peer)
        bench.now = .milliseconds(5_001)
        #expect(bench.receive(.graft(), from: peer).sent(to: peer).isEmpty)
        #expect(bench.isMeshPeer(peer))
    }

    @Test func `a peer that was started anew is not blamed for a back-off it can't know of`()
        throws
    {
        var bench = GossipBench()
        let peer = try bench.connect()
        _ = bench.receive(.prune(), from: peer)
        _ = bench.handle(.disconnected(peer.id))
        bench.now = .seconds(15)
        _ = bench.handle(.connected(peer.id, GossipPeer(isOutbound: false)))
        _ = bench.receive(.subscription([Self.topic]), from: peer)
        let first = bench.receive(.graft(), from: peer)
        #expect(first.sent(to: peer).prune.count == 1 && bench.score(peer) == 0)
        _ = bench.receive(.graft(), from: peer)
        #expect(bench.score(peer) == -40)
    }

    @Test func `the back-off that a peer demands is kept and bounded`() throws {
        var bench = GossipBench()
        let modest = try bench.connect()
        let greedy = try bench.connect()
        _ = bench.receive(.prune(backoffSeconds: 90), from: modest)
        _ = bench.receive(.prune(backoffSeconds: .max), from: greedy)
        #expect(bench.beat(90).receivers { !$0.graft.isEmpty }.isEmpty)
        #expect(bench.beat(1).receivers { !$0.graft.isEmpty } == [modest.id])
        bench.now = .seconds(3_600)
        #expect(bench.beat(1).receivers { !$0.graft.isEmpty } == [greedy.id])
    }

    @Test func `an explicit peer is never in the mesh and always hears messages`() throws {
        let friend = try SamplePeer(1)
        var parameters = GossipParameters()
        parameters.explicitPeers = [friend.id]
        var bench = GossipBench(parameters: parameters)
        _ = try bench.connect()
        let author = try bench.connect()
        #expect(bench.receive(.graft(), from: friend).sent(to: friend).prune.count == 1)
        bench.beat(2)
        #expect(!bench.isMeshPeer(friend) && bench.isMeshPeer(author))
        let forwarded = bench.accept(author.message(1), from: author)
        #expect(forwarded.sent(to: friend).messages.count == 1)
    }

    @Test func `peers with negative scores leave the mesh without peer exchange and stay out`()
        throws
    {
        var bench = GossipBench()
        let peer = try bench.connect()
        _ = try bench.connect(record: true)
        bench.beat()
        #expect(bench.isMeshPeer(peer))
        _ = bench.handle(.applicationScore(peer.id, -5))
        let prune = bench.beat().sent(to: peer).prune
        #expect(prune.count == 1 && prune.allSatisfy(\.peers.isEmpty))
        #expect(bench.receive(.graft(), from: peer).sent(to: peer).prune.count == 1)
        #expect(!bench.isMeshPeer(peer))
    }

    @Test func `a PRUNE for want of room tells of other peers with signed records`() throws {
        var bench = GossipBench()
        for _ in 0..<12 {
            let peer = try bench.connect(record: true)
            _ = bench.receive(.graft(), from: peer)
        }
        let late = try bench.connect(record: true)
        let old = try bench.connect(version: .v10, record: true)
        let told = try #require(bench.receive(.graft(), from: late).sent(to: late).prune.first)
        #expect(told.peers.count > 8 && told.peers.count <= 16)
        for info in told.peers {
            let record = try SignedPeerRecord(envelope: try #require(info.signedPeerRecord))
            #expect(record.peerID.bytes == info.peerID && record.peerID != late.id)
        }
        // Version 1.0 knows neither back-off nor exchange.
        let plain = bench.receive(.graft(), from: old).sent(to: old).prune
        #expect(plain == [.init(topic: Self.topic)])
    }

    @Test func `peers that a PRUNE tells of are dialled if the score allows and records hold`()
        throws
    {
        var bench = GossipBench()
        let peer = try bench.connect()
        let known = try bench.connect()
        let stranger = try SamplePeer(40)
        let liar = try SamplePeer(41)
        let envelope = try stranger.record().envelope
        let infos: [GossipRPC.PeerInfo] = [
            .init(peerID: stranger.id.bytes, signedPeerRecord: envelope),
            .init(peerID: known.id.bytes, signedPeerRecord: try known.record().envelope),
            .init(peerID: try SamplePeer(42).id.bytes, signedPeerRecord: nil),
            .init(peerID: [1, 2], signedPeerRecord: envelope),
        ]
        let refused = bench.receive(.prune(peers: infos), from: peer)
        #expect(refused.notes == [.exchangeRefused])
        _ = bench.handle(.applicationScore(peer.id, 10))
        let taken = bench.receive(.prune(peers: infos), from: peer)
        #expect(taken == [.dial([try stranger.record()])])
        let forged = [GossipRPC.PeerInfo(peerID: liar.id.bytes, signedPeerRecord: envelope)]
        let directives = bench.receive(.prune(peers: forged), from: peer)
        #expect(directives == [.note(peer.id, .recordRefused)])
        // 10 from the application, -10 for the foreign record.
        #expect(bench.score(peer) == 0)
    }

    @Test func `a mediocre mesh takes in better peers now and then`() throws {
        var parameters = GossipParameters()
        parameters.opportunisticGraftTickCount = 3
        var bench = GossipBench(parameters: parameters)
        let mesh = try (0..<6).map { _ in try bench.connect(isOutbound: true) }
        bench.beat()
        #expect(mesh.allSatisfy { bench.isMeshPeer($0) })
        let better = try (0..<4).map { _ in try bench.connect() }
        for peer in better { _ = bench.handle(.applicationScore(peer.id, 5)) }
        bench.beat()
        #expect(bench.instance.meshPeers(of: Self.topic).count == 6)
        bench.beat()
        #expect(better.count { bench.isMeshPeer($0) } == 2)
    }

    @Test func `a bootstrap node keeps no mesh and hands out addresses`() throws {
        var bench = GossipBench(parameters: .bootstrap)
        let outbound = try bench.connect(isOutbound: true, record: true)
        let inbound = try bench.connect(record: true)
        let prune = bench.receive(.graft(), from: inbound).sent(to: inbound).prune
        #expect(prune.first?.peers.map(\.peerID) == [outbound.id.bytes])
        _ = bench.receive(.graft(), from: outbound)
        bench.beat()
        #expect(bench.instance.meshPeers(of: Self.topic).isEmpty)
    }

    @Test func `mesh peers are protected until they leave the last mesh`() throws {
        var bench = GossipBench()
        _ = bench.handle(.subscribe("second"))
        let peer = try bench.connect(topics: [Self.topic, "second"])
        #expect(bench.receive(.graft(), from: peer) == [.protect(peer.id)])
        #expect(bench.receive(.graft("second"), from: peer).isEmpty)
        #expect(bench.receive(.prune(), from: peer).isEmpty)
        #expect(bench.receive(.prune(topic: "second"), from: peer) == [.release(peer.id)])
        let again = try bench.connect()
        _ = bench.receive(.graft(), from: again)
        #expect(bench.handle(.disconnected(again.id)) == [.release(again.id)])
    }

    @Test func `a peer that unsubscribes leaves the mesh`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        bench.beat()
        let rpc = GossipRPC.with {
            $0.subscriptions = [.init(isSubscribed: false, topic: Self.topic)]
        }
        #expect(bench.receive(rpc, from: peer) == [.release(peer.id)])
        #expect(bench.instance.subscribers(of: Self.topic).isEmpty)
    }

    @Test func `topics beyond the bounds are not kept`() throws {
        var bench = GossipBench()
        let peer = try bench.connect(topics: [])
        let many = bench.receive(.subscription((0..<70).map { "topic \($0)" }), from: peer)
        #expect(many.notes == [.topicsIgnored])
        #expect(bench.instance.subscribers(of: "topic 63") == [peer.id])
        #expect(bench.instance.subscribers(of: "topic 64").isEmpty)
        let other = try bench.connect(topics: [])
        let long = String(repeating: "x", count: 257)
        #expect(bench.receive(.subscription([long]), from: other).notes == [.topicsIgnored])
        #expect(bench.instance.subscribers(of: long).isEmpty)
    }
}
