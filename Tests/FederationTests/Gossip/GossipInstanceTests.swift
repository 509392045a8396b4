import Cryptography
import Testing

@testable import Federation

struct GossipInstanceTests {
    @Test func `a round is trained, put on record, told to the drawn members and averaged`() throws
    {
        var peer = try GossipPeer()
        peer.begin()
        #expect(peer.training?.round == 1)
        #expect(peer.training?.base == peer.manifest.manifest.initialAdapterDigest)
        peer.train()
        let draw = GossipDraw(manifestDigest: peer.manifest.digest, round: 1, sender: peer.own)
        let drawn = draw.targets(among: peer.keys.map(\.publicKey), count: 2)
        let pushes = peer.sent.filter { if case .announcement = $0.message { true } else { false } }
        #expect(pushes.map { $0.to } == [drawn])
        peer.deliver(1, round: 1)
        #expect(peer.mixes.count == 1)
        let order = try #require(peer.mixes.first)
        #expect(order.round == 1)
        #expect(order.inputs.map(\.member) == [peer.keys[1].publicKey])
        #expect(order.shares(halfLife: 4) == [0.5, 0.5])
        peer.tell(.mixed(round: 1, outcome: GossipPeer.outcome("mean")))
        #expect(peer.training?.round == 2)
        #expect(peer.training?.base == Fixtures.digest("mean"))
        let status = peer.instance.status(now: peer.now)
        #expect(status.completedRoundCount == 1)
        #expect(status.adapterDigest == Fixtures.digest("mean"))
        #expect(status.gossip?.distance?.value == 0.5)
        #expect(status.gossip?.distance?.relative == 0.25)
    }

    @Test func `what is said is on the disk before it is sent`() throws {
        var peer = try GossipPeer()
        peer.begin()
        let directives = peer.train()
        let stored = directives.firstIndex { directive in
            if case .persist(DurableRecord.ownState, _) = directive { true } else { false }
        }
        let sent = directives.firstIndex { directive in
            if case .send = directive { true } else { false }
        }
        let (storedAt, sentAt) = (try #require(stored), try #require(sent))
        #expect(storedAt < sentAt)
    }

    @Test func `a mean and the round after it become durable together with the log`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.train()
        peer.deliver(1, round: 1)
        let directives = peer.tell(.mixed(round: 1, outcome: GossipPeer.outcome("mean")))
        let durable = directives.prefix { directive in
            switch directive {
            case .persist, .forget, .appendLog: true
            default: false
            }
        }
        #expect(durable.contains { if case .appendLog(.mixed) = $0 { true } else { false } })
        #expect(
            durable.contains {
                if case .persist(DurableRecord.progress, _) = $0 { true } else { false }
            })
    }

    @Test func `a node killed after any directive never announces two states in one round`() throws
    {
        // How many directives the whole story has.
        var whole = try GossipPeer()
        Self.story(&whole)
        let count = whole.directives.count
        for kill in 1..<count {
            var peer = try GossipPeer()
            Self.story(&peer, name: "first")
            let said = peer.directives.prefix(kill)
            var disk: [String: [UInt8]] = [:]
            for directive in said {
                switch directive {
                case .persist(let key, let value): disk[key] = value
                case .forget(let keys): for key in keys { disk[key] = nil }
                default: break
                }
            }
            let before = Self.announced(Array(said), peer.own)
            peer.records = GossipInstance.records(ofMembers: peer.keys, manifest: peer.manifest)
                .merging(disk) { $1 }
            try peer.restart()
            Self.story(&peer, name: "second")
            for item in before + peer.announced {
                let others = (before + peer.announced).filter {
                    $0.summary.round == item.summary.round
                }
                #expect(others.allSatisfy { $0 == item }, "killed after \(kill) directives")
            }
        }
    }

    private static func announced(
        _ directives: [Directive], _ own: PublicKey
    ) -> [SignedAnnouncement] {
        directives.compactMap { directive in
            guard case .send(_, let bytes) = directive,
                case .announcement(let item) = try? MessageCodec.decode(bytes),
                item.summary.member == own
            else { return nil }
            return item
        }
    }

    /// Two rounds with a mean each; the states are named.
    private static func story(_ peer: inout GossipPeer, name: String = "state") {
        peer.begin()
        for round in 1...2 as ClosedRange<UInt64> {
            peer.train("\(name) \(round)")
            peer.deliver(1, round: round)
            if let order = peer.mixes.last {
                peer.tell(
                    .mixed(round: order.round, outcome: GossipPeer.outcome("\(name) \(round)")))
            }
        }
    }

    @Test func `a mean waits for nothing for long`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.train()
        #expect(peer.mixRecords.isEmpty)
        peer.pass(seconds: 3)
        #expect(peer.mixRecords.map(\.order.inputs.count) == [0])
        #expect(peer.mixRecords.first?.adapterDigest == Fixtures.digest("trained state"))
        #expect(peer.training?.round == 2)
    }

    @Test func `an old state is refused and a second of one round is evidence`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.deliver(1, round: 3)
        let before = peer.log.count
        peer.receive(.announcement(peer.announcement(1, round: 2)), from: 1)
        peer.receive(.announcement(peer.announcement(1, round: 3)), from: 1)
        #expect(peer.log.count == before)
        peer.receive(.announcement(peer.announcement(1, round: 3, name: "other")), from: 1)
        #expect(peer.equivocations.count == 1)
        let found = try #require(peer.equivocations.first)
        #expect(found.member == peer.keys[1].publicKey)
        #expect(found.height == 3)
        #expect(found.first != found.second)
        // Its state is out of the next mean, and none comes in any more.
        peer.receive(.announcement(peer.announcement(1, round: 4)), from: 1)
        peer.train()
        peer.pass(seconds: 3)
        #expect(peer.mixRecords.map(\.order.inputs.count) == [0])
        // Once is enough, also after a restart.
        peer.receive(.announcement(peer.announcement(1, round: 4, name: "other")), from: 1)
        #expect(peer.equivocations.count == 1)
        try peer.restart()
        peer.begin()
        peer.receive(.announcement(peer.announcement(1, round: 5)), from: 1)
        #expect(peer.instance.pendingInputs.isEmpty)
        #expect(peer.instance.status(now: peer.now).gossip?.equivocators == [found.member])
    }

    @Test func `two states shown to different members are found by what others pass on`() throws {
        var peer = try GossipPeer()
        peer.begin()
        peer.deliver(1, round: 3)
        // Member 2 passes on what member 1 told it.
        let other = peer.announcement(1, round: 3, name: "other")
        peer.directives = []
        peer.receive(.announcement(other), from: 2)
        #expect(peer.equivocations.count == 1)
        // Both statements travel on.
        let passed = peer.sent.filter { if case .announcement = $0.message { true } else { false } }
        #expect(passed.count == 2)
    }

    @Test func `what somebody makes up accuses nobody`() throws {
        var peer = try GossipPeer()
        peer.begin()
        let real = peer.announcement(1, round: 3)
        let forged = SignedAnnouncement(
            summary: peer.summary(1, round: 3, name: "forged"), signature: real.signature)
        // Before and after the real one.
        peer.receive(.announcement(forged), from: 2)
        peer.receive(.announcement(real), from: 1)
        peer.receive(.announcement(forged), from: 2)
        #expect(peer.equivocations.isEmpty)
        #expect(peer.instance.pendingInputs == [real.summary])
    }

    @Test func `what somebody makes up is told to nobody`() throws {
        var peer = try GossipPeer()
        peer.begin()
        let forged = SignedAnnouncement(
            summary: peer.summary(1, round: peer.instance.roundCount),
            signature: peer.announcement(2, round: 3).signature)
        peer.receive(.announcement(forged), from: 2)
        #expect(peer.directives.contains(.refuse(peer.keys[2].publicKey, .signatureInvalid)))
        peer.directives = []
        // A member that has lost its store asks what is remembered of it.
        peer.receive(.stateRequest, from: 1)
        let replies = peer.sent.compactMap { sent -> StateReply? in
            if case .stateReply(let reply) = sent.message { reply } else { nil }
        }
        #expect(replies.count == 1 && replies.first?.yours == nil)
    }

    @Test func `a state that the draw does not give to this node is refused on record`() throws {
        var exchange = Manifest.ExchangeSettings.gossip
        exchange.fanOut = 1
        var peer = try GossipPeer(memberCount: 20, exchange: exchange)
        peer.begin()
        let outside = try #require(peer.round(1, isDrawn: false))
        peer.receive(.announcement(peer.announcement(1, round: outside)), from: 1)
        #expect(peer.refusals == [.notDrawn])
        #expect(peer.instance.pendingInputs.isEmpty)
        let inside = try #require(peer.round(1, isDrawn: true))
        peer.receive(.announcement(peer.announcement(1, round: inside)), from: 1)
        #expect(peer.instance.pendingInputs.map(\.round) == [inside])
    }

    @Test func `announcements out of bounds are refused with their reason`() throws {
        var peer = try GossipPeer()
        peer.begin()
        func refused(_ summary: UpdateSummary) -> [RejectReason] {
            var other = peer
            other.receive(
                .announcement(
                    SignedAnnouncement(
                        manifest: peer.manifest.digest, summary: summary, signer: peer.keys[1])),
                from: 1)
            return other.refusals
        }
        #expect(refused(peer.summary(1, round: 1, examples: 0)) == [.updateWeightInvalid])
        #expect(refused(peer.summary(1, round: 1, examples: 65)) == [.updateWeightInvalid])
        #expect(refused(peer.summary(1, round: 14)) == [.updateWrongRound])
        #expect(refused(peer.summary(1, round: 0)) == [.updateWrongRound])
        #expect(refused(peer.summary(1, round: 13)) == [])
        let large = peer.summary(1, round: 1)
        let tooLarge = UpdateSummary(
            objectID: large.objectID, member: large.member, round: 1,
            baseAdapterDigest: large.baseAdapterDigest, exampleCount: 8,
            byteCount: peer.manifest.manifest.updateByteCountMax + 1)
        #expect(refused(tooLarge) == [.updateTooLarge])
    }

    @Test func `a signature over another federation's manifest ends the connection`() throws {
        var peer = try GossipPeer()
        peer.begin()
        let foreign = SignedAnnouncement(
            manifest: Fixtures.digest("another"), summary: peer.summary(1, round: 1),
            signer: peer.keys[1])
        peer.receive(.announcement(foreign), from: 1)
        #expect(
            peer.directives.contains(.refuse(peer.keys[1].publicKey, .signatureInvalid)))
        #expect(peer.instance.pendingInputs.isEmpty)
        var hello = try GossipPeer()
        hello.connectAll()
        hello.receive(
            .hello(
                Hello(
                    protocolVersion: FederationProtocol.version,
                    manifestDigest: hello.manifest.digest,
                    baseModelDigest: Fixtures.digest("another"),
                    publicKey: hello.keys[1].publicKey, height: 0, headDigest: .zero)),
            from: 1)
        #expect(
            hello.directives.contains(.refuse(hello.keys[1].publicKey, .baseModelMismatch)))
    }

    @Test func `a state whose bytes do not hold is refused on record and not averaged`() throws {
        var peer = try GossipPeer()
        peer.begin()
        let item = peer.announcement(1, round: 1)
        peer.receive(.announcement(item), from: 1)
        peer.tell(.objectFetched(item.summary.objectID, .update(.failure(.updateShapeMismatch))))
        #expect(peer.refusals == [.updateShapeMismatch])
        #expect(peer.directives.contains(.discard([item.summary.objectID])))
        peer.train()
        peer.pass(seconds: 3)
        #expect(peer.mixRecords.map(\.order.inputs.count) == [0])
    }

    @Test func `strangers' states are not taken`() throws {
        var peer = try GossipPeer()
        peer.begin()
        let stranger = Fixtures.key(77)
        peer.tell(.connected(stranger.publicKey))
        let summary = UpdateSummary(
            objectID: Fixtures.digest("x"), member: stranger.publicKey, round: 1,
            baseAdapterDigest: Fixtures.digest("b"), exampleCount: 8, byteCount: 10)
        let item = SignedAnnouncement(
            manifest: peer.manifest.digest, summary: summary, signer: stranger)
        peer.tell(
            .received(from: stranger.publicKey, bytes: MessageCodec.encode(.announcement(item))))
        #expect(peer.instance.pendingInputs.isEmpty)
    }

    @Test func `no more states wait than a mean may have, and the oldest make room`() throws {
        var exchange = Manifest.ExchangeSettings.gossip
        exchange.groupMemberCountMax = 3
        exchange.fanOut = 2
        var peer = try GossipPeer(memberCount: 6, exchange: exchange)
        peer.begin()
        for (index, round) in [(1, 3), (2, 2), (3, 2), (4, 5)] as [(Int, UInt64)] {
            peer.receive(.announcement(peer.announcement(index, round: round)), from: index)
        }
        #expect(Set(peer.instance.pendingInputs.map(\.round)) == [3, 5])
    }

    @Test func `random bytes and every cut of every message never trap`() throws {
        var peer = try GossipPeer()
        peer.begin()
        let reply = StateReply(
            latest: peer.announcement(1, round: 2), yours: peer.announcement(0, round: 9))
        let messages: [Message] = [
            .stateRequest, .stateReply(reply), .announcement(peer.announcement(1, round: 1)),
            .roster(
                RosterShare(
                    joins: [
                        SignedJoin(manifest: peer.manifest.digest, height: 0, signer: peer.keys[1])
                    ],
                    leaves: [
                        SignedLeave(
                            manifest: peer.manifest.digest, memberSince: 0, signer: peer.keys[1])
                    ])),
        ]
        var generator = TestGenerator(state: 5)
        for message in messages {
            let bytes = MessageCodec.encode(message)
            #expect(try MessageCodec.decode(bytes) == message)
            for count in 0..<bytes.count {
                var copy = peer
                copy.tell(
                    .received(from: peer.keys[1].publicKey, bytes: Array(bytes.prefix(count))))
            }
            for _ in 0..<200 {
                var changed = bytes
                guard !changed.isEmpty else { break }
                changed[Int(generator.next() % UInt64(changed.count))] = UInt8(
                    truncatingIfNeeded: generator.next())
                var copy = peer
                copy.tell(.received(from: peer.keys[1].publicKey, bytes: changed))
            }
        }
    }
}
