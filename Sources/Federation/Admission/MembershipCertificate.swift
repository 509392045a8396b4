public import Cryptography

/// What an issuer says of a node: that it may take part in one federation, for a while.
///
/// Signed bytes: `"starling/membership/1\0" || manifest digest (32) || node (32) || roles (1) ||
/// organisation (text) || not before (8) || not after (8) || serial (8) || invite (32, zero for
/// none) || uses of the invite (2) || issuer (32)`; the certificate is these with the signature (64)
/// behind them.
///
/// Source: specs/admission.md, section 2.1.
///
/// ### Deviations
/// The federation's id is the digest of its manifest, which names the issuers; a limit on the groups
/// that a node may be in is left out, for there is one. The invite is named, so that everybody sees
/// when it was used twice.
public struct MembershipCertificate: Hashable, Sendable {
    /// What an issuer decides.
    public struct Terms: Hashable, Sendable {
        /// The rights.
        public var roles: MemberRoles
        /// The organisation that the node belongs to, at most 32 bytes of UTF-8; empty for none.
        public var organisation: String
        /// From when it holds, in seconds since 1970.
        public var notBefore: UInt64
        /// Until when it holds, in seconds since 1970; not before ``notBefore``.
        public var notAfter: UInt64

        /// Takes the terms.
        public init(
            roles: MemberRoles, organisation: String = "", notBefore: UInt64, notAfter: UInt64
        ) {
            self.roles = roles
            self.organisation = organisation
            self.notBefore = notBefore
            self.notAfter = notAfter
        }
    }

    /// The invite that a certificate was given for.
    public struct InviteMark: Hashable, Sendable {
        /// The invite's key.
        public let key: PublicKey
        /// How many nodes it is good for.
        public let useCountMax: UInt16

        /// Takes the fields.
        public init(key: PublicKey, useCountMax: UInt16) {
            self.key = key
            self.useCountMax = useCountMax
        }
    }

    static let domain: StaticString = "starling/membership/1"
    /// The longest organisation.
    public static let organisationByteCountMax = 32
    /// The longest certificate.
    static let byteCountMax = 22 + 32 + 32 + 1 + 4 + 32 + 8 + 8 + 8 + 32 + 2 + 32 + 64
    /// How long a certificate holds unless an issuer says otherwise, in days.
    ///
    /// 30: what a lost key can do ends by itself within a month.
    public static let standardDayCount = 30
    /// Clocks may differ by so much, in seconds.
    public static let clockSkewSeconds: UInt64 = 60

    /// The federation.
    public let federation: Digest
    /// The node: the key that authenticates its connections.
    public let node: PublicKey
    /// What was decided.
    public let terms: Terms
    /// The issuer's number for it.
    public let serial: UInt64
    /// The invite, where there was one.
    public let invite: InviteMark?
    /// Who signed.
    public let issuer: PublicKey
    /// The signature.
    public let signature: [UInt8]
    /// The digest of ``bytes``: what a revocation names.
    public let id: Digest

    /// Signs; the terms are in their ranges.
    ///
    /// The serial follows from what is signed, so that the same statement has the same bytes.
    public init(
        federation: Digest, node: PublicKey, terms: Terms, invite: InviteMark? = nil,
        signer: some MessageSigner
    ) {
        precondition(
            Self.isValid(terms) && invite.map { $0.useCountMax > 0 } ?? true,
            "terms that no certificate can have: \(terms)")
        var seed = CanonicalWriter(domain: "starling/membership-serial/1")
        Self.write(
            to: &seed, federation: federation, node: node, terms: terms, serial: 0,
            invite: invite, issuer: signer.publicKey)
        let serial = Hashing.blake2b256(seed.bytes).bytes.prefix(8)
            .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let statement = Self.statement(
            federation: federation, node: node, terms: terms, serial: serial, invite: invite,
            issuer: signer.publicKey)
        self.init(
            federation: federation, node: node, terms: terms, serial: serial, invite: invite,
            issuer: signer.publicKey, signature: signer.signature(for: statement))
    }

    private init(
        federation: Digest, node: PublicKey, terms: Terms, serial: UInt64, invite: InviteMark?,
        issuer: PublicKey, signature: [UInt8]
    ) {
        self.federation = federation
        self.node = node
        self.terms = terms
        self.serial = serial
        self.invite = invite
        self.issuer = issuer
        self.signature = signature
        id = Hashing.blake2b256(
            Self.statement(
                federation: federation, node: node, terms: terms, serial: serial, invite: invite,
                issuer: issuer) + signature)
    }

    private static func isValid(_ terms: Terms) -> Bool {
        terms.organisation.utf8.count <= organisationByteCountMax
            && terms.notBefore <= terms.notAfter && MemberRoles.all.isSuperset(of: terms.roles)
            && !terms.roles.isEmpty
    }

    // MARK: Bytes

    private static func write(
        to writer: inout CanonicalWriter, federation: Digest, node: PublicKey, terms: Terms,
        serial: UInt64, invite: InviteMark?, issuer: PublicKey
    ) {
        writer.write(raw: federation.bytes)
        writer.write(raw: node.bytes)
        writer.write(terms.roles.rawValue)
        writer.write(terms.organisation)
        writer.write(terms.notBefore)
        writer.write(terms.notAfter)
        writer.write(serial)
        writer.write(raw: invite?.key.bytes ?? Digest.zero.bytes)
        writer.write(invite?.useCountMax ?? 0)
        writer.write(raw: issuer.bytes)
    }

    private static func statement(
        federation: Digest, node: PublicKey, terms: Terms, serial: UInt64, invite: InviteMark?,
        issuer: PublicKey
    ) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        write(
            to: &writer, federation: federation, node: node, terms: terms, serial: serial,
            invite: invite, issuer: issuer)
        return writer.bytes
    }

    private var statement: [UInt8] {
        Self.statement(
            federation: federation, node: node, terms: terms, serial: serial, invite: invite,
            issuer: issuer)
    }

    /// The one byte sequence of this certificate.
    public var bytes: [UInt8] { statement + signature }

    /// Reads ``bytes``; the signature is not checked.
    ///
    /// - Throws: `CanonicalError` for anything that no issuer writes.
    public init(bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: Self.byteCountMax)
        }
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        let federation = try reader.readDigest()
        let node = try reader.readKey()
        let start = reader.offset
        let terms = Terms(
            roles: MemberRoles(rawValue: try reader.read()),
            organisation: try reader.readText(max: Self.organisationByteCountMax),
            notBefore: try reader.read(), notAfter: try reader.read())
        guard Self.isValid(terms) else { throw .malformed(offset: start) }
        let serial = try reader.read(UInt64.self)
        let inviteOffset = reader.offset
        let key = try reader.readKey()
        let useCountMax = try reader.read(UInt16.self)
        guard (useCountMax == 0) == (key.bytes == Digest.zero.bytes) else {
            throw .malformed(offset: inviteOffset)
        }
        let issuer = try reader.readKey()
        let signature = try reader.readSignature()
        try reader.finish()
        self.init(
            federation: federation, node: node, terms: terms, serial: serial,
            invite: useCountMax == 0 ? nil : InviteMark(key: key, useCountMax: useCountMax),
            issuer: issuer, signature: signature)
    }

    /// Whether the issuer that it names signed it.
    public var isSigned: Bool { issuer.isValidSignature(signature, for: statement) }

    /// The serial as people see it: 16 hexadecimal digits.
    public var serialText: String { Self.text(ofSerial: serial) }

    static func text(ofSerial serial: UInt64) -> String {
        let digits = String(serial, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
