public import Cryptography

/// A node's wish to be a member.
///
/// Signed bytes: `"starling/join/1\0" || manifest digest (32) || member (32) || height (8)`.
public struct SignedJoin: Hashable, Sendable {
    /// The node that wants in.
    public let member: PublicKey
    /// The height that its certified chain had when it signed.
    ///
    /// Entries accept a join only if this is at least the height at which an earlier membership
    /// ended, so that an old join cannot bring back a member that left.
    public let height: UInt64
    /// The member's signature.
    public let signature: [UInt8]

    static let domain: StaticString = "starling/join/1"

    static func statement(manifest: Digest, member: PublicKey, height: UInt64) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        writer.write(raw: manifest.bytes)
        writer.write(raw: member.bytes)
        writer.write(height)
        return writer.bytes
    }

    init(member: PublicKey, height: UInt64, signature: [UInt8]) {
        self.member = member
        self.height = height
        self.signature = signature
    }

    init(manifest: Digest, height: UInt64, signer: some MessageSigner) {
        member = signer.publicKey
        self.height = height
        signature = signer.signature(
            for: Self.statement(manifest: manifest, member: signer.publicKey, height: height))
    }

    func isValid(manifest: Digest) -> Bool {
        member.isValidSignature(
            signature, for: Self.statement(manifest: manifest, member: member, height: height))
    }
}
