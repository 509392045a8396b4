public import Cryptography

/// A member's certificate and the delegations that it hangs on, up to an issuer of the manifest.
///
/// Bytes: `"starling/membership-chain/1\0"`, count (4), and each certificate behind its length (4),
/// the member's first.
public struct MembershipChain: Hashable, Sendable {
    /// The certificates, the member's first, each signed by the holder of the next.
    public let certificates: [MembershipCertificate]

    static let domain: StaticString = "starling/membership-chain/1"
    /// The delegations that may lie between a member and an issuer of the manifest.
    public static let delegationCountMax = 2
    /// The certificates that are read at most; more than may be, so that the refusal can say so.
    static let certificateCountMax = 6
    /// The longest chain that is read.
    public static let byteCountMax =
        32 + certificateCountMax * (4 + MembershipCertificate.byteCountMax)

    /// Takes a certificate that an issuer of the manifest or the holder of `issuer` signed.
    public init(_ certificate: MembershipCertificate, issuedUnder issuer: MembershipChain? = nil) {
        certificates = [certificate] + (issuer?.certificates ?? [])
    }

    /// The member's own certificate.
    public var leaf: MembershipCertificate { certificates[0] }
    /// The member.
    public var node: PublicKey { leaf.node }

    /// The one byte sequence.
    public var bytes: [UInt8] {
        var writer = CanonicalWriter(domain: Self.domain)
        writer.write(count: certificates.count)
        for certificate in certificates { writer.write(prefixed: certificate.bytes) }
        return writer.bytes
    }

    /// Reads ``bytes``; nothing is verified.
    ///
    /// - Throws: `CanonicalError` for anything that no writer makes.
    public init(bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: Self.byteCountMax)
        }
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        let start = reader.offset
        let count = try reader.readCount(max: Self.certificateCountMax, itemByteCount: 4)
        guard count > 0 else { throw .malformed(offset: start) }
        var certificates: [MembershipCertificate] = []
        for _ in 0..<count {
            certificates.append(
                try MembershipCertificate(
                    bytes: reader.readPrefixed(max: MembershipCertificate.byteCountMax)))
        }
        try reader.finish()
        self.certificates = certificates
    }

    /// Checks all that does not depend on the time: signatures, rights, delegations.
    ///
    /// - Throws: the first ``MembershipRefusal``.
    public func verify(
        federation: Digest, issuers: [PublicKey]
    ) throws(MembershipRefusal) {
        guard certificates.count - 1 <= Self.delegationCountMax else {
            throw .delegationTooDeep(
                count: certificates.count - 1, allowed: Self.delegationCountMax)
        }
        for (index, certificate) in certificates.enumerated() {
            guard certificate.federation == federation else {
                throw .wrongFederation(expected: federation, actual: certificate.federation)
            }
            guard index + 1 < certificates.count else {
                guard issuers.contains(certificate.issuer) else {
                    throw .unknownIssuer(certificate.issuer)
                }
                break
            }
            let issuer = certificates[index + 1]
            guard issuer.node == certificate.issuer else {
                throw .unknownIssuer(certificate.issuer)
            }
            guard issuer.terms.roles.contains(.issue) else {
                throw .roleMissing(serial: issuer.serial, .issue)
            }
            let organisation = issuer.terms.organisation
            guard organisation.isEmpty || organisation == certificate.terms.organisation else {
                throw .organisationForeign(serial: certificate.serial, issuer: organisation)
            }
        }
        for certificate in certificates where !certificate.isSigned {
            throw .signatureInvalid(serial: certificate.serial)
        }
    }

    /// Checks the times of all certificates; seconds since 1970.
    ///
    /// - Throws: `notYetValid` or `expired`.
    public func verify(at now: UInt64) throws(MembershipRefusal) {
        for certificate in certificates {
            let (notBefore, notAfter) = (certificate.terms.notBefore, certificate.terms.notAfter)
            guard now >= notBefore else {
                throw .notYetValid(serial: certificate.serial, notBefore: notBefore, now: now)
            }
            guard now <= notAfter else {
                throw .expired(serial: certificate.serial, notAfter: notAfter, now: now)
            }
        }
    }

    /// Whether a node with both keeps this one: the one that holds longer.
    func isPreferred(to other: MembershipChain) -> Bool {
        let (end, otherEnd) = (leaf.terms.notAfter, other.leaf.terms.notAfter)
        if end != otherEnd { return end > otherEnd }
        return other.bytes.lexicographicallyPrecedes(bytes)
    }
}
