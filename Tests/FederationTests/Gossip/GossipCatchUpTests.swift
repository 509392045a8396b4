import Cryptography
import Testing

@testable import Federation

/// Starts, restarts and returns.
struct GossipCatchUpTests {
    private func reply(
        _ peer: inout GossipPeer, _ index: Int, round: UInt64?, yours: SignedAnnouncement? = nil
    ) {
        let latest = round.map { peer.announcement(index, round: $0) }
        peer.receive(.stateReply(StateReply(latest: latest, yours: yours)), from: index)
        guard let latest else { return }
        peer.tell(.objectFetched(latest.summary.objectID, .update(.success(latest.summary))))
    }

    private func started(memberCount: Int = 4) throws -> GossipPeer {
        var peer = try GossipPeer(memberCount: memberCount)
        peer.connectAll()
        peer.tell(.objectFetched(peer.manifest.manifest.initialAdapterDigest, .adapter))
        return peer
    }

    @Test func `a node that starts asks a few members before it trains`() throws {
        var peer = try started(memberCount: 8)
        let asked = peer.sent.filter { $0.message == .stateRequest }.flatMap(\.to)
        #expect(Set(asked).count == 3)
        #expect(peer.training == nil)
        for member in asked {
            let index = try #require(peer.keys.firstIndex { $0.publicKey == member })
            reply(&peer, index, round: nil)
        }
        #expect(peer.training?.round == 1)
    }

    @Test func `a late joiner starts from the mean of what others have`() throws {
        var peer = try started()
        for (index, round) in [(1, 5), (2, 6), (3, 5)] as [(Int, UInt64)] {
            reply(&peer, index, round: round)
        }
        let order = try #require(peer.mixes.first)
        #expect(order.ownExampleCount == 0)
        #expect(order.newestRound == 5)
        let shares = order.shares(halfLife: 4)
        #expect(shares[0] == 0)
        let sum = shares.reduce(0, +)
        #expect(abs(sum - 1) < 1e-15)
        peer.tell(.mixed(round: 0, outcome: GossipPeer.outcome("theirs")))
        // Round 5 was the last that trains: from now on it settles with the others.
        #expect(peer.instance.status(now: peer.now).completedRoundCount == 5)
        let published = peer.directives.contains { directive in
            if case .publish(6, Fixtures.digest("theirs"), 8) = directive { true } else { false }
        }
        #expect(published)
    }

    @Test func `a node that was away counts what it brings back by its age`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.train()
        peer.deliver(1, round: 1)
        peer.tell(.mixed(round: 1, outcome: GossipPeer.outcome("old")))
        try peer.restart()
        peer.connectAll()
        for (index, round) in [(1, 12), (2, 13), (3, 12)] as [(Int, UInt64)] {
            reply(&peer, index, round: round)
        }
        let order = try #require(peer.mixes.first)
        #expect(order.round == 1)
        #expect(order.newestRound == 12)
        // Eleven rounds at a half-life of four.
        let shares = order.shares(halfLife: 4)
        #expect(shares[0] < 0.06)
        peer.tell(.mixed(round: 1, outcome: GossipPeer.outcome("new")))
        #expect(peer.instance.status(now: peer.now).completedRoundCount == 12)
    }

    @Test func `one liar among those asked cannot end the run`() throws {
        var peer = try started()
        for (index, round) in [(1, 13), (2, 2), (3, 1)] as [(Int, UInt64)] {
            reply(&peer, index, round: round)
        }
        #expect(peer.mixes.first?.newestRound == 2)
    }

    @Test func `an answer that nobody asked for is not taken`() throws {
        var peer = try GossipPeer(memberCount: 8)
        peer.begin()
        let asked = Set(peer.sent.filter { $0.message == .stateRequest }.flatMap(\.to))
        let other = try #require(
            peer.keys.indices.dropFirst().first { !asked.contains(peer.keys[$0].publicKey) })
        reply(&peer, other, round: 3)
        #expect(peer.instance.pendingInputs.isEmpty)
    }

    @Test func `a node that lost its store goes on after the rounds that others remember`() throws {
        var peer = try started()
        let remembered = SignedAnnouncement(
            manifest: peer.manifest.digest, summary: peer.summary(0, round: 3),
            signer: peer.keys[0])
        reply(&peer, 1, round: nil, yours: remembered)
        reply(&peer, 2, round: nil)
        reply(&peer, 3, round: nil)
        #expect(peer.training?.round == 4)
        peer.train()
        #expect(peer.announced.map(\.summary.round) == [4])
    }

    @Test func `another's signature does not make a node skip rounds`() throws {
        var peer = try started()
        let forged = SignedAnnouncement(
            summary: peer.summary(0, round: 4),
            signature: peer.announcement(1, round: 4).signature)
        reply(&peer, 1, round: nil, yours: forged)
        #expect(
            peer.directives.contains(.refuse(peer.keys[1].publicKey, .signatureInvalid)))
        reply(&peer, 2, round: nil)
        reply(&peer, 3, round: nil)
        peer.pass(seconds: 5)
        #expect(peer.training?.round == 1)
    }

    @Test func `states that waited for a mean still do after a crash`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.deliver(1, round: 1)
        peer.train()
        let order = try #require(peer.mixes.first)
        try peer.restart()
        peer.connectAll()
        peer.tell(.objectFetched(peer.manifest.manifest.initialAdapterDigest, .adapter))
        // The bytes are in the store: the fetch that is ordered again ends at once.
        let fetched = peer.directives.contains { directive in
            if case .fetch(let item) = directive {
                item.objectID == order.inputs[0].objectID
            } else {
                false
            }
        }
        #expect(fetched)
        peer.tell(.objectFetched(order.inputs[0].objectID, .update(.success(order.inputs[0]))))
        peer.pass(seconds: 6)
        #expect(peer.mixes == [order])
        #expect(peer.announced.isEmpty || Set(peer.announced.map(\.summary.round)) == [1])
    }

    @Test func `objects of old rounds are dropped and the newest are kept`() throws {
        var peer = try GossipPeer()
        peer.begin()
        for round in 1...5 as ClosedRange<UInt64> {
            peer.train("round \(round)")
            peer.deliver(1, round: round)
            peer.tell(.mixed(round: round, outcome: GossipPeer.outcome("mean \(round)")))
        }
        let dropped = peer.directives.flatMap { directive in
            if case .discard(let objects) = directive { objects } else { [ObjectID]() }
        }
        // Eight rounds are retained.
        #expect(dropped.isEmpty)
        let count = peer.instance.boundedSizes.first { $0.name == "retained rounds" }?.count
        #expect(count == 5)
    }

    @Test func `a snapshot says from the records what the node says itself`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.train()
        peer.deliver(1, round: 1)
        peer.tell(.mixed(round: 1, outcome: GossipPeer.outcome("mean")))
        let snapshot = try GossipSnapshot(manifest: peer.manifest, records: peer.records)
        let status = peer.instance.status(now: peer.now)
        #expect(snapshot.round == status.completedRoundCount)
        #expect(snapshot.adapterDigest == status.adapterDigest)
        #expect(snapshot.members == status.members)
        #expect(snapshot.distance == status.gossip?.distance)
        #expect(!snapshot.isFinished)
    }

    @Test func `a logged mean is read back and proven by its signatures alone`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.train()
        peer.deliver(1, round: 1)
        peer.tell(.mixed(round: 1, outcome: GossipPeer.outcome("mean")))
        let record = try #require(peer.mixRecords.first)
        let logged = LogRecord.mixed(record)
        let read = try LogRecordReader.read(logged.payload)
        guard case .mixed(let mean) = read else {
            Issue.record("another record: \(read)")
            return
        }
        #expect(mean.order == record.order)
        #expect(mean.adapterDigest == record.adapterDigest)
        let manifest = peer.manifest.digest
        #expect(LogRecordReader.isProven(read, by: logged.evidence, manifest: manifest))
        #expect(!LogRecordReader.isProven(read, by: nil, manifest: manifest))
        #expect(
            !LogRecordReader.isProven(
                read, by: logged.evidence, manifest: Fixtures.digest("another")))
        var forged = logged.evidence
        forged[3] ^= 1
        #expect(!LogRecordReader.isProven(read, by: forged, manifest: manifest))
        for count in 18..<logged.payload.count {
            #expect(throws: CanonicalError.self) {
                try LogRecordReader.read(Array(logged.payload.prefix(count)))
            }
        }
    }

    @Test func `records that cannot be read are named`() throws {
        let peer = try GossipPeer()
        for key in ["gossip/progress", "gossip/own", "gossip/retained", "gossip/equivocator/zz"] {
            let restored = RestoredState(manifest: peer.manifest, records: [key: [1, 2, 3]])
            #expect(throws: RestoreError.recordInvalid(key: key)) {
                try GossipInstance(
                    restored: restored, baseModelDigest: peer.manifest.manifest.baseModelDigest,
                    signer: peer.keys[0], now: peer.now)
            }
        }
    }
}
