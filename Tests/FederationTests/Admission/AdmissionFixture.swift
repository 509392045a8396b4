import Cryptography

@testable import Federation

/// A federation of members with two issuers in its manifest: the author, key 1, and key 2.
struct AdmissionFixture {
    static let now: UInt64 = 1_800_000_000
    static let day: UInt64 = 86_400

    let manifest: SignedManifest
    let author = Fixtures.key(1)
    let second = Fixtures.key(2)

    init(name: String = "closed", rounds: Int = 1000, members: Int = 3) throws {
        let open = try Fixtures.manifest(name: name, rounds: rounds, members: members)
        manifest = try SignedManifest(
            signing: try open.closed(issuers: [1, 2].map { Fixtures.key($0).publicKey }),
            with: Fixtures.key(1))
    }

    var registry: AdmissionRegistry { AdmissionRegistry(manifest: manifest) }

    static func terms(
        _ roles: MemberRoles = [.train, .witness], organisation: String = "",
        from: UInt64 = now - day, until: UInt64 = now + day
    ) -> MembershipCertificate.Terms {
        MembershipCertificate.Terms(
            roles: roles, organisation: organisation, notBefore: from, notAfter: until)
    }

    func chain(
        of node: UInt8, by issuer: UInt8 = 1, under delegation: MembershipChain? = nil,
        terms: MembershipCertificate.Terms = terms(),
        invite: MembershipCertificate.InviteMark? = nil, federation: Digest? = nil
    ) -> MembershipChain {
        MembershipChain(
            MembershipCertificate(
                federation: federation ?? manifest.digest, node: Fixtures.key(node).publicKey,
                terms: terms, invite: invite, signer: Fixtures.key(issuer)),
            issuedUnder: delegation)
    }

    func revocation(
        of chain: MembershipChain, by issuer: UInt8 = 1, reason: String = "gone"
    ) -> SignedRevocation {
        SignedRevocation(
            revoking: chain, timeSeconds: Self.now, reason: reason, signer: Fixtures.key(issuer))
    }
}

extension Manifest {
    /// The same settings with issuers.
    func closed(issuers: [PublicKey]) throws -> Manifest {
        try Manifest(
            name: name, baseModelDigest: baseModelDigest, baseModelName: baseModelName,
            tokenizerDigest: tokenizerDigest, initialAdapterDigest: initialAdapterDigest,
            adapter: adapter, training: training, ring: ring, normBound: normBound,
            membership: membership, updateByteCountMax: updateByteCountMax, author: author,
            createdAtSeconds: createdAtSeconds, aggregation: aggregation, read: read,
            exchange: exchange, secure: secure, admission: AdmissionSettings(issuers: issuers))
    }
}
