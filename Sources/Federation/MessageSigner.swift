public import Cryptography

/// Signs this node's statements.
///
/// A signer must give the same bytes for the same message, as Ed25519 does: a statement that is
/// made again after a restart is then the same statement and no evidence of a second one.
public protocol MessageSigner: Sendable {
    /// The identity of this node.
    var publicKey: PublicKey { get }
    /// The signature (64 bytes) over the message.
    func signature(for message: [UInt8]) -> [UInt8]
}

extension SigningKey: MessageSigner {}
