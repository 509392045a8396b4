import Cryptography
import Testing

@testable import Federation

/// What certificates and revocations come to, in any order.
struct AdmissionRegistryTests {
    @Test func `any order of the same news comes to the same registry`() throws {
        let fixture = try AdmissionFixture()
        let (now, day) = (AdmissionFixture.now, AdmissionFixture.day)
        let first = fixture.chain(of: 5)
        let longer = fixture.chain(
            of: 5, by: 2, terms: AdmissionFixture.terms(until: now + 9 * day))
        let other = fixture.chain(of: 6)
        var items: [MembershipShare] = [
            .init(certificates: [first]), .init(certificates: [longer]),
            .init(certificates: [other]),
            .init(revocations: [fixture.revocation(of: longer)]),
            .init(revocations: [fixture.revocation(of: longer, by: 2, reason: "twice")]),
            .init(revocations: [fixture.revocation(of: other)]),
        ]
        var generator = TestGenerator(state: 5)
        var digests: Set<Digest> = []
        for _ in 0..<60 {
            items.shuffle(using: &generator)
            var registry = fixture.registry
            for item in items { registry.take(item) }
            // What one has dropped, it hears again from the others' share.
            for item in items { registry.take(item) }
            digests.insert(registry.digest)
            #expect(registry.refusal(of: Fixtures.key(5).publicKey, at: now) == nil)
            #expect(registry.chains[Fixtures.key(5).publicKey] == first)
            #expect(
                registry.refusal(of: Fixtures.key(6).publicKey, at: now)
                    == .revoked(serial: other.leaf.serial, reason: "gone"))
        }
        #expect(digests.count == 1)
    }

    @Test func `a new certificate brings a revoked node back, its old one does not`() throws {
        let fixture = try AdmissionFixture()
        let now = AdmissionFixture.now
        let (node, old) = (Fixtures.key(5).publicKey, fixture.chain(of: 5))
        var registry = fixture.registry
        registry.take(.init(certificates: [old], revocations: [fixture.revocation(of: old)]))
        registry.take(.init(certificates: [old]))
        #expect(registry.refusal(of: node, at: now)?.reason == .membershipRevoked)
        // Even one that holds for a shorter time.
        let new = fixture.chain(of: 5, terms: AdmissionFixture.terms(until: now + 60))
        registry.take(.init(certificates: [new]))
        #expect(registry.refusal(of: node, at: now) == nil)
        #expect(registry.revocation(of: node) == nil)
    }

    @Test func `what others made up is not taken in`() throws {
        let fixture = try AdmissionFixture()
        var registry = fixture.registry
        let before = registry
        let member = fixture.chain(of: 5)
        registry.take(
            .init(
                certificates: [fixture.chain(of: 6, by: 9)],
                revocations: [fixture.revocation(of: member, by: 6)]))
        #expect(registry == before)
    }

    @Test func `records bring the registry back, and damaged ones are named`() throws {
        let fixture = try AdmissionFixture()
        let mark = MembershipCertificate.InviteMark(
            key: Fixtures.key(30).publicKey, useCountMax: 1)
        var admission = try AdmissionInstance(
            manifest: fixture.manifest, signer: fixture.author,
            setup: AdmissionSetup(zeroSeconds: AdmissionFixture.now), records: [:],
            now: Timestamp(milliseconds: 0))
        let gone = fixture.chain(of: 6)
        let outcome = admission.learn(
            .init(
                certificates: [fixture.chain(of: 5, invite: mark), gone],
                revocations: [fixture.revocation(of: gone)]))
        var records: [String: [UInt8]] = [:]
        for case .persist(let key, let value) in outcome.directives { records[key] = value }
        let restored = try AdmissionRegistry(manifest: fixture.manifest, records: records)
        #expect(restored.digest == admission.registry.digest)
        #expect(restored.inviteUses == admission.registry.inviteUses)
        for key in records.keys {
            var damaged = records
            damaged[key]?.removeLast()
            #expect(throws: RestoreError.recordInvalid(key: key)) {
                try AdmissionRegistry(manifest: fixture.manifest, records: damaged)
            }
        }
    }

    @Test(arguments: [(3, 1), (4, 1), (5, 1), (6, 1), (7, 2), (10, 3), (64, 21)])
    func `one organisation has a third of the others at most, and one of three`(
        count: Int, most: Int
    ) {
        #expect(AdmissionRegistry.organisationMemberCountMax(groupOf: count) == most)
    }

    @Test func `a long share travels in parts that messages hold, revocations first`() throws {
        let fixture = try AdmissionFixture()
        let chains = (0..<250).map { number in
            MembershipChain(
                MembershipCertificate(
                    federation: fixture.manifest.digest,
                    node: PublicKey(bytes: Hashing.blake2b256([UInt8(number)]).bytes)
                        ?? fixture.author.publicKey,
                    terms: AdmissionFixture.terms(), signer: fixture.author))
        }
        let share = MembershipShare(
            certificates: chains, revocations: [fixture.revocation(of: chains[0])])
        let parts = share.parts
        #expect(parts.count > 1 && parts[0].revocations.count == 1)
        #expect(parts.flatMap(\.certificates) == chains)
        for part in parts {
            let bytes = MessageCodec.encode(.membership(part, digest: .zero))
            #expect(try MessageCodec.decode(bytes) == .membership(part, digest: .zero))
        }
    }
}
