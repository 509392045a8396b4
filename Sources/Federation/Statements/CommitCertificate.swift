public import Cryptography

/// A member and its signature over bytes that are known from elsewhere.
public struct MemberSignature: Hashable, Sendable {
    /// Who signed.
    public let member: PublicKey
    /// The Ed25519 signature, 64 bytes.
    public let signature: [UInt8]
}

/// A quorum of commits of one view: it decides the height.
public struct CommitCertificate: Hashable, Sendable {
    /// The view in which all of them committed.
    public let view: UInt64
    /// The signatures in ascending order of the members.
    public let signatures: [MemberSignature]
}
