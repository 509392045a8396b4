import Cryptography
import Testing

@testable import Federation

/// Invites, and what is asked and answered on the membership stream.
struct MembershipExchangeTests {
    /// An issuer's side of the stream, and invites for it.
    private struct Desk {
        let fixture: AdmissionFixture
        var admission: AdmissionInstance
        let inviteKey = Fixtures.key(30)
        var nonce: UInt64 = 0

        init(own: UInt8 = 1, setup share: MembershipShare = .init()) throws {
            fixture = try AdmissionFixture()
            admission = try AdmissionInstance(
                manifest: fixture.manifest, signer: Fixtures.key(own),
                setup: AdmissionSetup(zeroSeconds: AdmissionFixture.now), records: [:],
                now: Timestamp(milliseconds: 0))
            _ = admission.learn(share)
        }

        func invite(
            uses: UInt16 = 1, until: UInt64 = AdmissionFixture.now + 60, by issuer: UInt8 = 1,
            federation: Digest? = nil
        ) throws -> Invite {
            try #require(
                Invite(
                    federation: federation ?? fixture.manifest.digest, key: inviteKey.publicKey,
                    notAfter: until, useCountMax: uses, organisation: "south",
                    signer: Fixtures.key(issuer)))
        }

        mutating func request(
            _ invite: Invite, node: UInt8, at time: UInt64 = AdmissionFixture.now,
            key: SigningKey? = nil
        ) -> [UInt8] {
            nonce += 1
            return MembershipExchange.encode(
                .redeem(
                    MembershipExchange.Redemption(
                        invite: invite, inviteKey: key ?? inviteKey,
                        node: Fixtures.key(node).publicKey, timeSeconds: time, nonce: nonce)))
        }

        mutating func answer(
            _ bytes: [UInt8], from node: UInt8, milliseconds: UInt64 = 0
        ) throws -> (outcome: AdmissionInstance.Outcome, reply: MembershipExchange.Reply) {
            let (outcome, reply) = admission.answer(
                bytes, from: Fixtures.key(node).publicKey,
                now: Timestamp(milliseconds: milliseconds))
            return (outcome, try MembershipExchange.reply(MembershipExchange.encode(reply)))
        }

        mutating func refusal(
            _ bytes: [UInt8], from node: UInt8, milliseconds: UInt64 = 0
        ) throws -> RejectReason? {
            if case .refused(let reason, _) = try answer(
                bytes, from: node, milliseconds: milliseconds
            ).reply {
                reason
            } else {
                nil
            }
        }
    }

    @Test
    func `an invite gives the node that signs with it a certificate, which is on record first`()
        throws
    {
        var desk = try Desk()
        let invite = try desk.invite()
        let (outcome, reply) = try desk.answer(desk.request(invite, node: 5), from: 5)
        guard case .admitted(let manifest, let chain?) = reply else {
            Issue.record("\(reply)")
            return
        }
        #expect(manifest == desk.fixture.manifest)
        #expect(chain.node == Fixtures.key(5).publicKey)
        #expect(chain.leaf.terms.organisation == "south")
        #expect(chain.leaf.terms.notAfter == AdmissionFixture.now + 30 * AdmissionFixture.day)
        try desk.fixture.registry.check(chain, of: chain.node, at: AdmissionFixture.now)
        #expect(outcome.directives.contains(.appendLog(.admitted(chain))))
        #expect(
            outcome.directives.contains(
                .persist(key: DurableRecord.certificate(chain.node), value: chain.bytes)))
    }

    @Test func `an invite is used once, by the same node as often as its answer is lost`() throws {
        var desk = try Desk()
        let invite = try desk.invite()
        let first = try desk.answer(desk.request(invite, node: 5), from: 5).reply
        #expect(try desk.refusal(desk.request(invite, node: 6), from: 6) == .inviteUsed)
        let again = try desk.answer(desk.request(invite, node: 5), from: 5)
        #expect(again.reply == first && again.outcome.directives.isEmpty)
        let two = try desk.invite(uses: 2)
        #expect(try desk.refusal(desk.request(two, node: 7), from: 7) == nil)
        #expect(try desk.refusal(desk.request(two, node: 8), from: 8) == .inviteUsed)
    }

    @Test func `a use that another issuer allowed at the same time shows in the log`() throws {
        var desk = try Desk()
        let invite = try desk.invite()
        _ = try desk.answer(desk.request(invite, node: 5), from: 5)
        var elsewhere = try Desk(own: 2)
        guard
            case .admitted(_, let other?) = try elsewhere.answer(
                elsewhere.request(invite, node: 6), from: 6
            ).reply
        else {
            Issue.record("the second issuer knows of nothing and gives one too")
            return
        }
        let outcome = desk.admission.learn(.init(certificates: [other]))
        #expect(
            outcome.directives.contains(
                .appendLog(
                    .inviteOverused(
                        invite: invite.key, node: Fixtures.key(6).publicKey, count: 2))))
        #expect(try desk.refusal(desk.request(invite, node: 7), from: 7) == .inviteUsed)
    }

    @Test
    func `a replayed request is refused for three times the skew, one of another time always`()
        throws
    {
        var desk = try Desk()
        let invite = try desk.invite(uses: 9, until: AdmissionFixture.now + 3600)
        let request = desk.request(invite, node: 5)
        #expect(try desk.refusal(request, from: 5) == nil)
        #expect(try desk.refusal(request, from: 5) == .requestReplayed)
        #expect(try desk.refusal(request, from: 5, milliseconds: 59_000) == .requestReplayed)
        #expect(try desk.refusal(request, from: 5, milliseconds: 61_000) == .requestTimeOff)
        for offset: UInt64 in [61, 3600] {
            let early = desk.request(invite, node: 6, at: AdmissionFixture.now - offset)
            let late = desk.request(invite, node: 6, at: AdmissionFixture.now + offset)
            #expect(try desk.refusal(early, from: 6) == .requestTimeOff)
            #expect(try desk.refusal(late, from: 6) == .requestTimeOff)
        }
    }

    @Test func `a window of nonces forgets after three times the skew and refuses when it is full`()
        throws
    {
        var window = RequestWindow()
        for nonce in 0..<UInt64(RequestWindow.countMax) {
            try window.take(nonce: nonce, timeSeconds: 1000, now: 1000)
        }
        #expect(throws: RejectReason.tooMany) {
            try window.take(nonce: 1 << 40, timeSeconds: 1000, now: 1000)
        }
        #expect(throws: RejectReason.requestReplayed) {
            try window.take(nonce: 7, timeSeconds: 1060, now: 1060)
        }
        #expect(throws: RejectReason.requestReplayed) {
            try window.take(nonce: 7, timeSeconds: 1180, now: 1180)
        }
        try window.take(nonce: 7, timeSeconds: 1181, now: 1181)
    }

    @Test func `an invite that has expired, is forged or of elsewhere is refused`() throws {
        var desk = try Desk()
        let old = try desk.invite(until: AdmissionFixture.now - 1)
        #expect(try desk.refusal(desk.request(old, node: 5), from: 5) == .inviteExpired)
        let foreign = try desk.invite(federation: .zero)
        #expect(
            try desk.refusal(desk.request(foreign, node: 5), from: 5)
                == .membershipOfOtherFederation)
        let made = try desk.invite(by: 9)
        #expect(
            try desk.refusal(desk.request(made, node: 5), from: 5) == .membershipIssuerUnknown)
        let sound = try desk.invite()
        let guess = desk.request(sound, node: 5, key: Fixtures.key(31))
        #expect(try desk.refusal(guess, from: 5) == .signatureInvalid)
        // Overheard, and sent by another node.
        #expect(
            try desk.refusal(desk.request(sound, node: 5), from: 6) == .signatureInvalid)
        #expect(desk.admission.registry.chains.isEmpty)
    }

    @Test func `a member without the right gives nothing, a delegate gives below itself`() throws {
        let fixture = try AdmissionFixture()
        var member = try Desk(own: 4, setup: .init(certificates: [fixture.chain(of: 4)]))
        let invite = try member.invite()
        #expect(
            try member.refusal(member.request(invite, node: 5), from: 5)
                == .membershipRoleMissing)
        let delegation = fixture.chain(of: 4, terms: AdmissionFixture.terms([.train, .issue]))
        var delegate = try Desk(own: 4, setup: .init(certificates: [delegation]))
        guard
            case .admitted(_, let chain?) = try delegate.answer(
                delegate.request(invite, node: 5), from: 5
            ).reply
        else {
            Issue.record("a delegate may issue")
            return
        }
        #expect(chain.certificates.count == 2 && chain.leaf.issuer == Fixtures.key(4).publicKey)
    }

    @Test func `a shown certificate is answered with the manifest, a revoked one with the proof`()
        throws
    {
        var desk = try Desk()
        let chain = desk.fixture.chain(of: 5)
        let shown = MembershipExchange.encode(.present(chain))
        #expect(
            try desk.answer(shown, from: 5).reply == .admitted(desk.fixture.manifest, nil))
        #expect(try desk.refusal(shown, from: 6) == .membershipOfOtherKey)
        #expect(
            try desk.refusal(MembershipExchange.encode(.present(nil)), from: 6)
                == .membershipMissing)
        let revocation = desk.fixture.revocation(of: chain)
        _ = desk.admission.learn(.init(revocations: [revocation]))
        #expect(
            try desk.answer(shown, from: 5).reply == .refused(.membershipRevoked, revocation))
    }

    @Test func `every prefix and every flipped bit of a question is refused`() throws {
        var desk = try Desk()
        let invite = try desk.invite(uses: 100)
        let bytes = desk.request(invite, node: 5)
        for count in 0..<bytes.count {
            #expect(
                try desk.refusal(Array(bytes.prefix(count)), from: 5) == .malformed)
        }
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try desk.refusal(changed, from: 5) != nil, "bit \(bit)")
        }
        #expect(desk.admission.registry.chains.isEmpty)
        #expect(try desk.refusal(bytes, from: 5) == nil)
    }
}
