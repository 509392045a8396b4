public import Cryptography

/// An issuer's word that who holds a key may have a certificate for its own node.
///
/// Signed bytes: `"starling/invite/1\0" || manifest digest (32) || invite (32) || until (8) || uses
/// (2) || roles (1) || organisation (text) || days (4) || issuer (32)`; the invite is these with the
/// signature (64) behind them. The secret half of the invite's key goes to the joiner beside it.
///
/// Source: specs/admission.md, section 2.2.
public struct Invite: Hashable, Sendable {
    static let domain: StaticString = "starling/invite/1"
    /// The longest invite.
    public static let byteCountMax = 18 + 32 + 32 + 8 + 2 + 1 + 4 + 32 + 4 + 32 + 64
    /// The greatest number of days of a certificate.
    public static let dayCountMax = 3650

    /// The federation.
    public let federation: Digest
    /// The key that has to sign the joiner's.
    public let key: PublicKey
    /// Until when it can be used, in seconds since 1970.
    public let notAfter: UInt64
    /// How many nodes can use it, 1...65,535.
    public let useCountMax: UInt16
    /// The rights that it gives.
    public let roles: MemberRoles
    /// The organisation that its users belong to; empty for none.
    public let organisation: String
    /// How long their certificates hold, in days, 1...3650.
    public let dayCount: Int
    /// Who signed.
    public let issuer: PublicKey
    /// The signature.
    public let signature: [UInt8]

    /// Signs; `nil` for a value outside its range.
    public init?(
        federation: Digest, key: PublicKey, notAfter: UInt64, useCountMax: UInt16 = 1,
        roles: MemberRoles = [.train, .witness], organisation: String = "",
        dayCount: Int = MembershipCertificate.standardDayCount, signer: some MessageSigner
    ) {
        self.federation = federation
        self.key = key
        self.notAfter = notAfter
        self.useCountMax = useCountMax
        self.roles = roles
        self.organisation = organisation
        self.dayCount = dayCount
        issuer = signer.publicKey
        signature = signer.signature(
            for: Self.statement(
                federation: federation, key: key, notAfter: notAfter, useCountMax: useCountMax,
                roles: roles, organisation: organisation, dayCount: min(max(dayCount, 0), 1 << 20),
                issuer: signer.publicKey))
        guard isInRange else { return nil }
    }

    private var isInRange: Bool {
        useCountMax > 0 && (1...Self.dayCountMax).contains(dayCount) && !roles.isEmpty
            && MemberRoles.all.isSuperset(of: roles)
            && organisation.utf8.count <= MembershipCertificate.organisationByteCountMax
    }

    private static func statement(
        federation: Digest, key: PublicKey, notAfter: UInt64, useCountMax: UInt16,
        roles: MemberRoles, organisation: String, dayCount: Int, issuer: PublicKey
    ) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        writer.write(raw: federation.bytes)
        writer.write(raw: key.bytes)
        writer.write(notAfter)
        writer.write(useCountMax)
        writer.write(roles.rawValue)
        writer.write(organisation)
        writer.write(count: dayCount)
        writer.write(raw: issuer.bytes)
        return writer.bytes
    }

    private var statement: [UInt8] {
        Self.statement(
            federation: federation, key: key, notAfter: notAfter, useCountMax: useCountMax,
            roles: roles, organisation: organisation, dayCount: dayCount, issuer: issuer)
    }

    /// The one byte sequence.
    public var bytes: [UInt8] { statement + signature }

    /// Reads ``bytes``; the signature is not checked.
    ///
    /// - Throws: `CanonicalError` for anything that no issuer writes.
    public init(bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: Self.byteCountMax)
        }
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        federation = try reader.readDigest()
        key = try reader.readKey()
        let start = reader.offset
        notAfter = try reader.read()
        useCountMax = try reader.read()
        roles = MemberRoles(rawValue: try reader.read())
        organisation = try reader.readText(max: MembershipCertificate.organisationByteCountMax)
        dayCount = Int(try reader.read(UInt32.self))
        issuer = try reader.readKey()
        signature = try reader.readSignature()
        try reader.finish()
        guard isInRange else { throw .malformed(offset: start) }
    }

    /// Whether the issuer that it names signed it.
    public var isSigned: Bool { issuer.isValidSignature(signature, for: statement) }
}
