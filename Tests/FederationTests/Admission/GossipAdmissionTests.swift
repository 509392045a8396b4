import Cryptography
import Testing

@testable import Federation

extension GossipPeer {
    /// A federation whose issuer is key 1, the instance under test.
    init(closedMemberCount count: Int) throws {
        let open = try GossipFixture().manifest.manifest
        manifest = try SignedManifest(
            signing: open.closed(issuers: [Fixtures.key(1).publicKey]), with: Fixtures.key(1))
        keys = (1...count).map { Fixtures.key(UInt8($0)) }
        records = GossipInstance.records(ofMembers: keys, manifest: manifest)
        instance = try GossipInstance(
            restored: RestoredState(manifest: manifest, records: records),
            baseModelDigest: manifest.manifest.baseModelDigest, signer: keys[0],
            admission: AdmissionSetup(zeroSeconds: AdmissionFixture.now),
            now: Timestamp(milliseconds: milliseconds))
        tell(.started)
    }

    func chain(of index: Int) -> MembershipChain {
        MembershipChain(
            MembershipCertificate(
                federation: manifest.digest, node: keys[index].publicKey,
                terms: AdmissionFixture.terms(), signer: keys[0]))
    }

    /// A greeting with a certificate or without one.
    mutating func greet(_ index: Int, with chain: MembershipChain?) -> [Directive] {
        tell(.connected(keys[index].publicKey))
        return receive(
            .hello(
                Hello(
                    protocolVersion: FederationProtocol.version, manifestDigest: manifest.digest,
                    baseModelDigest: manifest.manifest.baseModelDigest,
                    publicKey: keys[index].publicKey, height: 0, headDigest: .zero,
                    membership: chain)), from: index)
    }
}

/// Certificates where nothing is certified: who is on the roster, whose states count.
struct GossipAdmissionTests {
    private func messages(_ directives: [Directive], to key: PublicKey) -> [Message] {
        directives.compactMap { directive in
            guard case .send(let receivers, let bytes) = directive, receivers.contains(key) else {
                return nil
            }
            return try? MessageCodec.decode(bytes)
        }
    }

    @Test func `joins without certificates make no members, certificates do`() throws {
        var peer = try GossipPeer(closedMemberCount: 3)
        #expect(peer.instance.status(now: peer.now).members == [peer.own])
        _ = peer.greet(1, with: peer.chain(of: 1))
        #expect(
            peer.instance.status(now: peer.now).members
                == [peer.own, peer.keys[1].publicKey].sorted())
    }

    @Test func `until it shows its certificate a peer hears greetings alone and is not heard`()
        throws
    {
        var peer = try GossipPeer(closedMemberCount: 3)
        let key = peer.keys[2].publicKey
        var heard = messages(peer.tell(.connected(key)), to: key)
        heard += messages(peer.receive(.stateRequest, from: 2), to: key)
        peer.milliseconds += 3000
        heard += messages(peer.tell(.tick), to: key)
        #expect(heard.count >= 2)
        #expect(heard.allSatisfy { if case .hello = $0 { true } else { false } })
        let refusal = messages(peer.greet(2, with: nil), to: key)
        #expect(refusal.contains(.refuse(.membershipMissing)))
        let foreign = messages(peer.greet(2, with: peer.chain(of: 1)), to: key)
        #expect(foreign.contains(.refuse(.membershipOfOtherKey)))
    }

    @Test func `a revoked member's pending state is dropped and it is refused with the proof`()
        throws
    {
        var peer = try GossipPeer(closedMemberCount: 3)
        for index in [1, 2] { _ = peer.greet(index, with: peer.chain(of: index)) }
        let gone = peer.keys[2].publicKey
        let revocation = SignedRevocation(
            revoking: peer.chain(of: 2), timeSeconds: AdmissionFixture.now, reason: "sold",
            signer: peer.keys[0])
        let directives = peer.tell(.membershipLearned(.init(revocations: [revocation])))
        let persisted = directives.firstIndex {
            if case .persist(_, revocation.bytes) = $0 { true } else { false }
        }
        let refused = directives.firstIndex(of: .refuse(gone, .membershipRevoked))
        #expect(persisted != nil && refused != nil)
        if let persisted, let refused { #expect(persisted < refused) }
        let told = messages(directives, to: gone)
        #expect(
            told.contains {
                if case .membership(let share, _) = $0 {
                    share.revocations == [revocation]
                } else {
                    false
                }
            })
        #expect(!peer.instance.status(now: peer.now).members.contains(gone))
        #expect(peer.instance.pendingInputs.allSatisfy { $0.member != gone })
        let again = messages(peer.greet(2, with: peer.chain(of: 2)), to: gone)
        #expect(again.contains(.refuse(.membershipRevoked)))
    }
}
