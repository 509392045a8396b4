public import Cryptography

/// A member's word that it leaves.
///
/// Signed bytes: `"starling/leave/1\0" || manifest digest (32) || member (32) || since (8)`.
public struct SignedLeave: Hashable, Sendable {
    /// The member that leaves.
    public let member: PublicKey
    /// The height of the entry that made it a member: the leave ends that membership and no
    /// later one.
    public let memberSince: UInt64
    /// The member's signature.
    public let signature: [UInt8]

    static let domain: StaticString = "starling/leave/1"

    static func statement(manifest: Digest, member: PublicKey, memberSince: UInt64) -> [UInt8] {
        var writer = CanonicalWriter(domain: domain)
        writer.write(raw: manifest.bytes)
        writer.write(raw: member.bytes)
        writer.write(memberSince)
        return writer.bytes
    }

    init(member: PublicKey, memberSince: UInt64, signature: [UInt8]) {
        self.member = member
        self.memberSince = memberSince
        self.signature = signature
    }

    init(manifest: Digest, memberSince: UInt64, signer: some MessageSigner) {
        member = signer.publicKey
        self.memberSince = memberSince
        signature = signer.signature(
            for: Self.statement(
                manifest: manifest, member: signer.publicKey, memberSince: memberSince))
    }

    func isValid(manifest: Digest) -> Bool {
        member.isValidSignature(
            signature,
            for: Self.statement(manifest: manifest, member: member, memberSince: memberSince))
    }
}
