import Cryptography
import Testing

@testable import LibP2P

/// The rules about messages: validation before forwarding, repetitions, flood-publish, fan-out.
@Suite struct GossipsubMessageTests {
    static let topic = GossipBench.topic

    @Test func `nothing is delivered or handed on before the verdict`() throws {
        var bench = GossipBench()
        let peers = try (0..<5).map { _ in try bench.connect() }
        bench.beat()
        let message = peers[0].message(1)
        let received = bench.receive(.message(message), from: peers[1])
        #expect(received == [.validate(message, from: peers[1].id)])
        let accepted = bench.handle(.judged(message.id, .accept))
        #expect(accepted.delivered == [message])
        // Neither to its author nor back to where it came from.
        #expect(
            accepted.receivers { $0.messages == [message.bytes] }
                == peers[2...].map(\.id).sorted())
        #expect(bench.handle(.judged(message.id, .accept)).isEmpty)
    }

    @Test func `a repetition is not looked at again, whoever brings it`() throws {
        var bench = GossipBench()
        let peers = try (0..<3).map { _ in try bench.connect() }
        bench.beat()
        let message = peers[0].message(1)
        _ = bench.receive(.message(message), from: peers[1])
        #expect(bench.receive(.message(message), from: peers[2]).isEmpty)
        // Whoever has sent it already does not get it.
        #expect(
            bench.handle(.judged(message.id, .accept)).receivers { !$0.messages.isEmpty }.isEmpty)
        #expect(bench.receive(.message(message), from: peers[2]).isEmpty)
        #expect(bench.score(peers[1]) >= 1 && bench.score(peers[2]) < 1)
    }

    @Test func `after its lifetime a message is no repetition any more`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        let message = peer.message(1)
        _ = bench.accept(message, from: peer)
        bench.beat(119)
        #expect(bench.receive(.message(message), from: peer).isEmpty)
        bench.beat(1)
        #expect(bench.receive(.message(message), from: peer).validated == [message])
    }

    @Test func `a rejected message counts against everybody who sent it`() throws {
        var bench = GossipBench()
        let peers = try (0..<4).map { _ in try bench.connect() }
        bench.beat()
        let message = peers[3].message(1)
        _ = bench.receive(.message(message), from: peers[0])
        _ = bench.receive(.message(message), from: peers[1])
        let directives = bench.handle(.judged(message.id, .reject))
        #expect(directives.delivered.isEmpty)
        #expect(directives.receivers { !$0.isEmpty }.isEmpty)
        _ = bench.receive(.message(message), from: peers[2])
        for peer in peers[..<3] { #expect(bench.score(peer) == -100) }
        // The same peer a second time is the same offence.
        _ = bench.receive(.message(message), from: peers[2])
        #expect(bench.score(peers[2]) == -100 && bench.score(peers[3]) == 0)
    }

    @Test func `an ignored message goes no further and counts against nobody`() throws {
        var bench = GossipBench()
        let peers = try (0..<3).map { _ in try bench.connect() }
        bench.beat()
        let message = peers[0].message(1)
        _ = bench.receive(.message(message), from: peers[1])
        #expect(bench.handle(.judged(message.id, .ignore)).isEmpty)
        #expect(bench.receive(.message(message), from: peers[2]).isEmpty)
        #expect(peers.allSatisfy { bench.score($0) == 0 })
    }

    @Test func `a broken signature is rejected, and the true message is still taken`() throws {
        var bench = GossipBench()
        let liar = try bench.connect()
        let honest = try bench.connect()
        let message = honest.message(1)
        var broken = message.bytes
        broken[broken.count - 1] ^= 1
        let rpc = GossipRPC.with { $0.messages = [broken, message.bytes] }
        let directives = bench.receive(rpc, from: liar)
        #expect(directives == [.note(liar.id, .messageRefused(.invalidSignature))])
        // Graylisted at once: what comes behind it in the frame is not even read.
        #expect(bench.score(liar) == -100)
        #expect(bench.receive(.message(message), from: honest).validated == [message])
    }

    @Test func `a message that an honest forwarder may send is ignored without blame`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        let unknownField = peer.message(1).bytes + [0x7a, 1, 0]
        let directives = bench.receive(.with { $0.messages = [unknownField] }, from: peer)
        #expect(directives.notes == [.messageRefused(.unknownFields)])
        #expect(bench.score(peer) == 0)
    }

    @Test func `a message above the bound of the payload is rejected`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        let fitting = peer.message(1, data: Array(repeating: 0, count: 4_096))
        #expect(bench.receive(.message(fitting), from: peer).validated.count == 1)
        let tooLong = peer.message(2, data: Array(repeating: 0, count: 4_097))
        _ = bench.receive(.message(tooLong), from: peer)
        #expect(bench.score(peer) == -100)
    }

    @Test func `messages of other topics and under the node's own name are dropped`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        #expect(bench.receive(.message(peer.message(1, topic: "another")), from: peer).isEmpty)
        let own = GossipMessage.sign(
            data: [1], topic: Self.topic, sequenceNumber: 77, key: Fixtures.initiator)
        #expect(bench.receive(.message(own), from: peer).isEmpty)
        #expect(bench.score(peer) == 0)
    }

    @Test func `too many messages without a verdict are left, and taken when they come again`()
        throws
    {
        var parameters = GossipParameters()
        parameters.pendingCountMax = 3
        var bench = GossipBench(parameters: parameters)
        let peer = try bench.connect()
        let messages = (0..<5).map { peer.message($0) }
        let directives = bench.receive(.with { $0.messages = messages.map(\.bytes) }, from: peer)
        #expect(directives.validated == Array(messages[..<3]))
        #expect(directives.notes == [.validationOverloaded])
        #expect(bench.score(peer) == 0)
        _ = bench.handle(.judged(messages[0].id, .accept))
        let again = bench.receive(.message(messages[4]), from: peer)
        #expect(again.validated == [messages[4]])
    }

    @Test func `one peer cannot take the places of all`() throws {
        var parameters = GossipParameters()
        parameters.pendingCountMaxPerPeer = 2
        var bench = GossipBench(parameters: parameters)
        let (flooding, honest) = (try bench.connect(), try bench.connect())
        let flood = (0..<5).map { flooding.message($0) }
        let taken = bench.receive(.with { $0.messages = flood.map(\.bytes) }, from: flooding)
        #expect(taken.validated == Array(flood[..<2]))
        let message = honest.message(1)
        #expect(bench.receive(.message(message), from: honest).validated == [message])
    }

    @Test func `own messages flood every peer of the topic above the publish threshold`() throws {
        var bench = GossipBench()
        let peers = try (0..<15).map { _ in try bench.connect() }
        let stranger = try bench.connect(topics: [])
        _ = bench.handle(.applicationScore(peers[0].id, -50))
        _ = bench.handle(.applicationScore(peers[1].id, -50.5))
        let directives = bench.handle(.publish(topic: Self.topic, data: [9]))
        let receivers = directives.receivers { !$0.messages.isEmpty }
        #expect(receivers == (peers[2...] + [peers[0]]).map(\.id).sorted())
        #expect(!receivers.contains(stranger.id))
        guard case .published(let message) = directives.first else {
            Issue.record("not signed")
            return
        }
        #expect(message.sequenceNumber == 1 && bench.instance.nextSequenceNumber == 2)
        // It is known as a repetition when it comes back.
        #expect(bench.receive(.message(message), from: peers[3]).isEmpty)
    }

    @Test func `without flooding own messages go to the mesh`() throws {
        var parameters = GossipParameters()
        parameters.floodsOwnMessages = false
        var bench = GossipBench(parameters: parameters)
        for _ in 0..<15 { _ = try bench.connect() }
        bench.beat()
        let receivers = bench.handle(.publish(topic: Self.topic, data: [9]))
            .receivers { !$0.messages.isEmpty }
        #expect(receivers == bench.instance.meshPeers(of: Self.topic) && receivers.count == 6)
    }

    @Test func `a topic that is only published to has a fan-out of its own for a while`() throws {
        var parameters = GossipParameters()
        parameters.floodsOwnMessages = false
        var bench = GossipBench(parameters: parameters, subscribes: false)
        for _ in 0..<15 { _ = try bench.connect() }
        func publish() -> [PeerID] {
            bench.handle(.publish(topic: Self.topic, data: [9])).receivers { !$0.messages.isEmpty }
        }
        let first = publish()
        #expect(first.count == 6)
        bench.beat(59)
        #expect(publish() == first)
        bench.beat(60)
        let later = publish()
        #expect(later.count == 6 && later != first)
        // Those who know its messages are the first of its mesh.
        let mesh = bench.handle(.subscribe(Self.topic)).receivers { !$0.graft.isEmpty }
        #expect(mesh == later)
    }

    @Test func `below the graylist threshold nothing but subscriptions is read`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        _ = bench.handle(.applicationScore(peer.id, -81))
        let rpc = GossipRPC.with { rpc in
            rpc.subscriptions = [.init(isSubscribed: true, topic: "second")]
            rpc.messages = [peer.message(1).bytes]
            rpc.graft = [Self.topic]
            rpc.ihave = [.init(topic: Self.topic, messageIDs: [peer.message(2).id])]
        }
        #expect(bench.receive(rpc, from: peer).isEmpty)
        #expect(bench.instance.subscribers(of: "second") == [peer.id])
        #expect(bench.beat().notes == [.graylisted(score: -81)])
        _ = bench.handle(.applicationScore(peer.id, -80))
        #expect(bench.beat().notes == [.heardAgain])
        #expect(bench.receive(.message(peer.message(3)), from: peer).validated.count == 1)
    }

    @Test func `a malformed frame ends the connection and counts`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        let directives = bench.handle(.received(peer.id, [0xff]))
        #expect(directives == [.disconnect(peer.id, .malformedFrame(.malformed))])
        #expect(bench.score(peer) == -10)
    }

    @Test func `a peer that is not connected is not listened to`() throws {
        var bench = GossipBench()
        let stranger = try SamplePeer(9)
        #expect(bench.receive(.message(stranger.message(1)), from: stranger).isEmpty)
        #expect(bench.receive(.subscription([Self.topic]), from: stranger).isEmpty)
        #expect(bench.instance.subscribers(of: Self.topic).isEmpty)
    }
}
