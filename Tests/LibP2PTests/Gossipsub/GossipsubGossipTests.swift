import Cryptography
import Testing

@testable import LibP2P

/// The rules about IHAVE and IWANT: who hears, who asks, what it costs to lie.
@Suite struct GossipsubGossipTests {
    static let topic = GossipBench.topic

    /// A bench whose mesh is full, so that later peers are outside it.
    static func withFullMesh() throws -> (GossipBench, [SamplePeer]) {
        var bench = GossipBench()
        let mesh = try (0..<6).map { _ in try bench.connect(isOutbound: true) }
        bench.beat()
        return (bench, mesh)
    }

    @Test func `the heartbeat announces three heartbeats' messages outside the mesh`() throws {
        var (bench, mesh) = try Self.withFullMesh()
        let outside = try (0..<10).map { _ in try bench.connect() }
        let message = mesh[0].message(1)
        _ = bench.accept(message, from: mesh[0])
        for _ in 0..<3 {
            let directives = bench.beat()
            let receivers = directives.receivers { !$0.ihave.isEmpty }
            #expect(receivers.count == 6)
            #expect(Set(receivers).isSubset(of: outside.map(\.id)))
            for peer in receivers {
                let ihave = directives.sent(to: peer).ihave
                #expect(ihave == [.init(topic: Self.topic, messageIDs: [message.id])])
            }
        }
        #expect(bench.beat().receivers { !$0.ihave.isEmpty }.isEmpty)
    }

    @Test func `a quarter of many peers hears, and none below the gossip threshold`() throws {
        var (bench, mesh) = try Self.withFullMesh()
        let outside = try (0..<40).map { _ in try bench.connect() }
        for peer in outside[..<8] { _ = bench.handle(.applicationScore(peer.id, -10.5)) }
        _ = bench.accept(mesh[0].message(1), from: mesh[0])
        let receivers = bench.beat().receivers { !$0.ihave.isEmpty }
        // A quarter of the 32 above the threshold.
        #expect(receivers.count == 8)
        #expect(Set(receivers).isDisjoint(with: outside[..<8].map(\.id)))
    }

    @Test func `what is not known is asked for, once for each announcement`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        let known = peer.message(1)
        _ = bench.accept(known, from: peer)
        let wanted = (2..<9).map { peer.message($0).id }
        let directives = bench.receive(.ihave([known.id] + wanted + wanted), from: peer)
        #expect(directives.sent(to: peer).iwant.sorted() == wanted.sorted())
        #expect(bench.receive(.ihave(wanted, topic: "another"), from: peer).isEmpty)
        let odd = [GossipMessageID(bytes: []), .init(bytes: Array(repeating: 1, count: 129))]
        #expect(bench.receive(.ihave(odd), from: peer).isEmpty)
    }

    @Test func `announcements are bounded between two heartbeats`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        func ids(_ range: Range<UInt64>) -> [GossipMessageID] {
            range.map { GossipMessageID(author: peer.id, sequenceNumber: $0) }
        }
        let first = bench.receive(.ihave(ids(0..<4_000)), from: peer).sent(to: peer)
        #expect(first.iwant.count == 4_000)
        let second = bench.receive(.ihave(ids(4_000..<8_000)), from: peer).sent(to: peer)
        #expect(second.iwant.count == 1_000)
        #expect(bench.receive(.ihave(ids(8_000..<9_000)), from: peer).sent(to: peer).isEmpty)
        bench.beat()
        for number in 0..<10 as Range<UInt64> {
            let rpc = bench.receive(.ihave(ids(number + 9_000..<number + 9_001)), from: peer)
            #expect(rpc.sent(to: peer).iwant.count == 1)
        }
        let eleventh = bench.receive(.ihave(ids(9_500..<9_501)), from: peer)
        #expect(eleventh == [.note(peer.id, .announcementsIgnored)])
        #expect(bench.receive(.ihave(ids(9_501..<9_502)), from: peer).isEmpty)
    }

    @Test func `below the gossip threshold announcements and requests are ignored`() throws {
        var bench = GossipBench()
        let peer = try bench.connect()
        let message = peer.message(1)
        _ = bench.accept(message, from: peer)
        _ = bench.handle(.applicationScore(peer.id, -12))
        #expect(bench.receive(.ihave([peer.message(2).id]), from: peer).isEmpty)
        #expect(bench.receive(.iwant([message.id]), from: peer).isEmpty)
    }

    @Test func `what is asked for is sent three times and no more`() throws {
        var bench = GossipBench()
        let author = try bench.connect()
        let asker = try bench.connect()
        let message = author.message(1)
        _ = bench.accept(message, from: author)
        for _ in 0..<3 {
            let answer = bench.receive(.iwant([message.id, message.id]), from: asker)
            #expect(answer.sent(to: asker).messages == [message.bytes])
        }
        #expect(bench.receive(.iwant([message.id]), from: asker).isEmpty)
        let unknown = GossipMessageID(author: author.id, sequenceNumber: 99)
        #expect(bench.receive(.iwant([unknown]), from: asker).isEmpty)
        // Five heartbeats later it is gone.
        bench.beat(5)
        let other = try bench.connect()
        #expect(bench.receive(.iwant([message.id]), from: other).isEmpty)
    }

    @Test func `answers to IWANT keep to the bound of a frame`() throws {
        var bench = GossipBench()
        let author = try bench.connect()
        let data = [UInt8](repeating: 7, count: 4_000)
        let messages = (0..<40).map { author.message($0, data: data) }
        for message in messages { _ = bench.accept(message, from: author) }
        let answer = bench.receive(.iwant(messages.map(\.id)), from: author)
        let frames = answer.compactMap { directive -> GossipRPC? in
            if case .send(_, let rpc, .forwarded) = directive { rpc } else { nil }
        }
        #expect(frames.count > 2)
        #expect(frames.allSatisfy { $0.bytes.count <= GossipRPC.ownByteCountMax })
        #expect(frames.flatMap(\.messages).count == 40)
    }

    @Test func `whoever does not send what it announced is penalised, once an announcement`()
        throws
    {
        var bench = GossipBench()
        let liar = try bench.connect()
        let ids = (0..<50).map { GossipMessageID(author: liar.id, sequenceNumber: $0) }
        _ = bench.receive(.ihave(ids), from: liar)
        #expect(bench.beat(3).notes.isEmpty)
        let directives = bench.beat()
        #expect(directives.notes == [.promisesBroken(count: 1)])
        #expect(bench.score(liar) < -9.5)
    }

    @Test func `a promise is kept if the message comes, from whomever`() throws {
        var bench = GossipBench()
        let announcer = try bench.connect()
        let other = try bench.connect()
        let message = other.message(1)
        _ = bench.receive(.ihave([message.id]), from: announcer)
        _ = bench.accept(message, from: other)
        #expect(bench.beat(6).notes.isEmpty)
        #expect(bench.score(announcer) >= 0)
    }

    @Test func `a lost message is repaired by an announcement`() throws {
        var (bench, mesh) = try Self.withFullMesh()
        let outside = try bench.connect()
        let message = mesh[0].message(1)
        _ = bench.accept(message, from: mesh[0])
        let ihave = bench.beat().sent(to: outside).ihave
        let ids = try #require(ihave.first?.messageIDs)
        let answer = bench.receive(.iwant(ids), from: outside).sent(to: outside)
        #expect(answer.messages == [message.bytes])
    }

    @Test func `the history is bounded in bytes`() {
        var history = MessageHistory(windowCount: 5, announcedCount: 3, byteCountMax: 1_000)
        for number in 0..<100 as Range<UInt64> {
            history.insert(
                .sign(
                    data: Array(repeating: 0, count: 100), topic: "t", sequenceNumber: number,
                    key: Fixtures.initiator))
            if number % 10 == 9 { history.shift() }
            #expect(history.byteCount <= 1_000)
        }
        #expect(history.count > 0)
        for _ in 0..<5 { history.shift() }
        #expect(history.count == 0 && history.byteCount == 0)
    }

    @Test func `seen messages are bounded in number`() throws {
        var seen = SeenMessages(lifetime: .seconds(120), countMax: 10)
        let peer = try SamplePeer(1).id
        for number in 0..<5_000 as Range<UInt64> {
            let id = GossipMessageID(author: peer, sequenceNumber: number)
            seen.insert(id, topic: "t", sender: nil, outcome: .pending, now: .zero)
        }
        #expect(seen.count == 10)
        #expect(seen[GossipMessageID(author: peer, sequenceNumber: 4_990)] != nil)
        #expect(seen[GossipMessageID(author: peer, sequenceNumber: 4_989)] == nil)
        seen.expire(now: .seconds(120))
        #expect(seen.count == 0)
    }
}
