public import Cryptography

/// An issuer's word that a certificate holds no longer.
///
/// It carries the certificate's whole chain, so that anyone with the manifest can check that its
/// signer is an issuer of the manifest or one of those that the certificate hangs on.
///
/// Signed bytes: `"starling/revocation/1\0" || chain (length 4) || time (8) || reason (text) ||
/// issuer (32)`; the revocation is these with the signature (64) behind them.
public struct SignedRevocation: Hashable, Sendable {
    /// The revoked certificate and what it hangs on.
    public let chain: MembershipChain
    /// When, in seconds since 1970.
    public let timeSeconds: UInt64
    /// Why, at most 128 bytes of UTF-8.
    public let reason: String
    /// Who says so.
    public let issuer: PublicKey
    /// The signature.
    public let signature: [UInt8]

    static let domain: StaticString = "starling/revocation/1"
    /// The longest reason.
    public static let reasonByteCountMax = 128
    /// The longest revocation.
    public static let byteCountMax =
        22 + 4 + MembershipChain.byteCountMax + 8 + 4 + reasonByteCountMax + 32 + 64

    /// Signs.
    public init(
        revoking chain: MembershipChain, timeSeconds: UInt64, reason: String,
        signer: some MessageSigner
    ) {
        precondition(
            reason.utf8.count <= Self.reasonByteCountMax, "a reason of \(reason.utf8.count) bytes")
        self.chain = chain
        self.timeSeconds = timeSeconds
        self.reason = reason
        issuer = signer.publicKey
        signature = signer.signature(
            for: Self.statement(
                chain: chain, timeSeconds: timeSeconds, reason: reason, issuer: signer.publicKey))
    }

    /// The revoked certificate's digest.
    public var certificateID: Digest { chain.leaf.id }
    /// The node that it was given to.
    public var node: PublicKey { chain.node }

    private static func statement(
        chain: MembershipChain, timeSeconds: UInt64, reason: String, issuer: PublicKey
    ) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        writer.write(prefixed: chain.bytes)
        writer.write(timeSeconds)
        writer.write(reason)
        writer.write(raw: issuer.bytes)
        return writer.bytes
    }

    private var statement: [UInt8] {
        Self.statement(chain: chain, timeSeconds: timeSeconds, reason: reason, issuer: issuer)
    }

    /// The one byte sequence.
    public var bytes: [UInt8] { statement + signature }

    /// Reads ``bytes``; nothing is verified.
    ///
    /// - Throws: `CanonicalError` for anything that no writer makes.
    public init(bytes: [UInt8]) throws(CanonicalError) {
        guard bytes.count <= Self.byteCountMax else {
            throw .tooLong(offset: 0, count: bytes.count, allowed: Self.byteCountMax)
        }
        var reader = try CanonicalReader(bytes, domain: Self.domain)
        chain = try MembershipChain(bytes: reader.readPrefixed(max: MembershipChain.byteCountMax))
        timeSeconds = try reader.read()
        reason = try reader.readText(max: Self.reasonByteCountMax)
        issuer = try reader.readKey()
        signature = try reader.readSignature()
        try reader.finish()
    }

    /// Checks chain, signer and signature; the time does not matter.
    ///
    /// - Throws: `unknownIssuer` for a signer without a say, else what is wrong with the chain.
    public func verify(
        federation: Digest, issuers: [PublicKey]
    ) throws(MembershipRefusal) {
        try chain.verify(federation: federation, issuers: issuers)
        guard
            issuers.contains(issuer) || chain.certificates.contains(where: { $0.issuer == issuer })
        else { throw .unknownIssuer(issuer) }
        guard issuer.isValidSignature(signature, for: statement) else {
            throw .signatureInvalid(serial: chain.leaf.serial)
        }
    }
}
