import Cryptography
import Testing

@testable import Federation

/// The handshake matrix of specs/admission.md, section 6, on what a node shows of itself.
struct MembershipCertificateTests {
    private func refusal(
        _ registry: AdmissionRegistry, _ chain: MembershipChain?, of node: UInt8,
        at now: UInt64 = AdmissionFixture.now
    ) -> MembershipRefusal? {
        do throws(MembershipRefusal) {
            try registry.check(chain, of: Fixtures.key(node).publicKey, at: now)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a certificate of either issuer admits its node alone`() throws {
        let fixture = try AdmissionFixture()
        for issuer: UInt8 in [1, 2] {
            let chain = fixture.chain(of: 5, by: issuer)
            #expect(refusal(fixture.registry, chain, of: 5) == nil)
            #expect(
                refusal(fixture.registry, chain, of: 6)
                    == .keyMismatch(
                        certificate: Fixtures.key(5).publicKey,
                        connection: Fixtures.key(6).publicKey))
        }
        #expect(refusal(fixture.registry, nil, of: 5) == .missing)
        #expect(refusal(fixture.registry, nil, of: 2) == nil, "an issuer needs none")
    }

    @Test func `an expired certificate and one of the future say so with their times`() throws {
        let fixture = try AdmissionFixture()
        let chain = fixture.chain(of: 5)
        let terms = chain.leaf.terms
        #expect(refusal(fixture.registry, chain, of: 5, at: terms.notAfter) == nil)
        #expect(refusal(fixture.registry, chain, of: 5, at: terms.notBefore) == nil)
        #expect(
            refusal(fixture.registry, chain, of: 5, at: terms.notAfter + 1)
                == .expired(
                    serial: chain.leaf.serial, notAfter: terms.notAfter, now: terms.notAfter + 1))
        #expect(
            refusal(fixture.registry, chain, of: 5, at: terms.notBefore - 1)
                == .notYetValid(
                    serial: chain.leaf.serial, notBefore: terms.notBefore,
                    now: terms.notBefore - 1))
    }

    @Test func `a revoked certificate and those that hang on it are refused with the reason`()
        throws
    {
        let fixture = try AdmissionFixture()
        let delegate = fixture.chain(of: 4, terms: AdmissionFixture.terms([.train, .issue]))
        let member = fixture.chain(of: 5, by: 4, under: delegate)
        var registry = fixture.registry
        #expect(refusal(registry, member, of: 5) == nil)
        registry.take(MembershipShare(revocations: [fixture.revocation(of: delegate)]))
        let expected = MembershipRefusal.revoked(serial: delegate.leaf.serial, reason: "gone")
        #expect(refusal(registry, delegate, of: 4) == expected)
        #expect(refusal(registry, member, of: 5) == expected)
    }

    @Test func `another federation's certificate is refused`() throws {
        let fixture = try AdmissionFixture()
        let other = try AdmissionFixture(name: "another")
        #expect(
            refusal(fixture.registry, other.chain(of: 5), of: 5)
                == .wrongFederation(
                    expected: fixture.manifest.digest, actual: other.manifest.digest))
    }

    @Test func `two delegations may lie between, a third is too deep`() throws {
        let fixture = try AdmissionFixture()
        let issuing = AdmissionFixture.terms([.issue])
        let first = fixture.chain(of: 4, terms: issuing)
        let second = fixture.chain(of: 5, by: 4, under: first, terms: issuing)
        let third = fixture.chain(of: 6, by: 5, under: second, terms: issuing)
        #expect(refusal(fixture.registry, third, of: 6) == nil)
        let member = fixture.chain(of: 7, by: 6, under: third)
        #expect(
            refusal(fixture.registry, member, of: 7)
                == .delegationTooDeep(count: 3, allowed: 2))
        let read = try MembershipChain(bytes: member.bytes)
        #expect(read == member, "it can be read, or it could not be refused for that")
    }

    @Test func `who may not issue has issued nothing`() throws {
        let fixture = try AdmissionFixture()
        let member = fixture.chain(of: 4)
        let guest = fixture.chain(of: 5, by: 4, under: member)
        #expect(
            refusal(fixture.registry, guest, of: 5)
                == .roleMissing(serial: member.leaf.serial, .issue))
        let stranger = fixture.chain(of: 5, by: 9)
        #expect(
            refusal(fixture.registry, stranger, of: 5)
                == .unknownIssuer(Fixtures.key(9).publicKey))
        let mixed = fixture.chain(
            of: 5, by: 9, under: fixture.chain(of: 4, terms: AdmissionFixture.terms([.issue])))
        #expect(
            refusal(fixture.registry, mixed, of: 5) == .unknownIssuer(Fixtures.key(9).publicKey))
    }

    @Test func `a delegate of an organisation speaks for it alone`() throws {
        let fixture = try AdmissionFixture()
        let north = fixture.chain(
            of: 4, terms: AdmissionFixture.terms([.issue], organisation: "north"))
        let own = fixture.chain(
            of: 5, by: 4, under: north, terms: AdmissionFixture.terms(organisation: "north"))
        #expect(refusal(fixture.registry, own, of: 5) == nil)
        let foreign = fixture.chain(
            of: 5, by: 4, under: north, terms: AdmissionFixture.terms(organisation: "south"))
        #expect(
            refusal(fixture.registry, foreign, of: 5)
                == .organisationForeign(serial: foreign.leaf.serial, issuer: "north"))
    }

    @Test func `every refusal has a number of its own kind`() {
        let key = Fixtures.key(1).publicKey
        let reasons: [MembershipRefusal] = [
            .missing, .wrongFederation(expected: .zero, actual: .zero),
            .keyMismatch(certificate: key, connection: key),
            .notYetValid(serial: 1, notBefore: 2, now: 1), .expired(serial: 1, notAfter: 1, now: 2),
            .revoked(serial: 1, reason: ""), .unknownIssuer(key),
            .delegationTooDeep(count: 3, allowed: 2), .signatureInvalid(serial: 1),
            .roleMissing(serial: 1, .issue),
        ]
        #expect(Set(reasons.map(\.reason)).count == reasons.count)
    }

    // MARK: Bytes

    @Test
    func
        `every prefix and every flipped bit is refused, or is another certificate that no key signed`()
        throws
    {
        let fixture = try AdmissionFixture()
        let delegate = fixture.chain(
            of: 4, terms: AdmissionFixture.terms([.issue], organisation: "north"))
        let mark = MembershipCertificate.InviteMark(
            key: Fixtures.key(30).publicKey, useCountMax: 3)
        let chain = fixture.chain(
            of: 5, by: 4, under: delegate, terms: AdmissionFixture.terms(organisation: "north"),
            invite: mark)
        let bytes = chain.bytes
        #expect(try MembershipChain(bytes: bytes) == chain)
        for count in 0..<bytes.count {
            #expect(throws: CanonicalError.self) {
                try MembershipChain(bytes: Array(bytes.prefix(count)))
            }
        }
        let issuers = fixture.registry.issuers ?? []
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let read = try? MembershipChain(bytes: changed) else { continue }
            #expect(read != chain && read.bytes == changed)
            #expect(throws: MembershipRefusal.self, "bit \(bit)") {
                try read.verify(federation: fixture.manifest.digest, issuers: issuers)
            }
        }
        #expect(throws: CanonicalError.self) { try MembershipChain(bytes: bytes + [0]) }
    }

    @Test func `every prefix and every flipped bit of a revocation is refused`() throws {
        let fixture = try AdmissionFixture()
        let revocation = fixture.revocation(of: fixture.chain(of: 5))
        let bytes = revocation.bytes
        #expect(try SignedRevocation(bytes: bytes) == revocation)
        let issuers = fixture.registry.issuers ?? []
        try revocation.verify(federation: fixture.manifest.digest, issuers: issuers)
        for count in 0..<bytes.count {
            #expect(throws: CanonicalError.self) {
                try SignedRevocation(bytes: Array(bytes.prefix(count)))
            }
        }
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let read = try? SignedRevocation(bytes: changed) else { continue }
            #expect(throws: MembershipRefusal.self, "bit \(bit)") {
                try read.verify(federation: fixture.manifest.digest, issuers: issuers)
            }
        }
    }

    @Test func `only an issuer above a certificate can revoke it`() throws {
        let fixture = try AdmissionFixture()
        let delegate = fixture.chain(of: 4, terms: AdmissionFixture.terms([.issue]))
        let member = fixture.chain(of: 5, by: 4, under: delegate)
        let issuers = fixture.registry.issuers ?? []
        for (revoker, isAllowed) in [(1, true), (2, true), (4, true), (5, false), (9, false)] {
            let revocation = fixture.revocation(of: member, by: UInt8(revoker))
            let holds =
                (try? revocation.verify(federation: fixture.manifest.digest, issuers: issuers))
                != nil
            #expect(holds == isAllowed, "key \(revoker)")
        }
        let upwards = fixture.revocation(of: delegate, by: 4)
        #expect(throws: MembershipRefusal.unknownIssuer(Fixtures.key(4).publicKey)) {
            try upwards.verify(federation: fixture.manifest.digest, issuers: issuers)
        }
    }

    // MARK: The manifest

    @Test func `a manifest with issuers is of the newest version and reads back`() throws {
        let fixture = try AdmissionFixture()
        #expect(fixture.manifest.manifest.version == Manifest.currentVersion)
        let read = try SignedManifest(bytes: fixture.manifest.bytes)
        #expect(read == fixture.manifest)
        #expect(read.manifest.admission?.issuers.count == 2)
        let bytes = fixture.manifest.manifest.canonicalBytes
        for count in 0..<bytes.count {
            #expect(throws: ManifestError.self) {
                try Manifest(canonicalBytes: Array(bytes.prefix(count)))
            }
        }
    }

    @Test func `no issuer, or nine, make no manifest`() throws {
        let open = try Fixtures.manifest()
        #expect(open.version < Manifest.currentVersion && open.admission == nil)
        #expect(throws: ManifestError.self) { try open.closed(issuers: []) }
        #expect(throws: ManifestError.self) {
            try open.closed(issuers: (1...9).map { Fixtures.key($0).publicKey })
        }
    }
}
