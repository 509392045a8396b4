public import Cryptography

/// What a finished handshake leaves: who is at the other end, and a cipher for each direction.
public struct NoiseSession {
    /// The peer whose identity the handshake proved.
    public let remotePeer: PeerID
    /// Its key.
    public let remotePublicKey: PublicKey
    /// The muxer that both lists have in common; nil where it is still to be negotiated.
    public let muxer: String?
    /// The hash over the handshake, equal on both sides and different for each connection.
    public let handshakeHash: [UInt8]
    /// Encrypts what this side writes.
    public let sendCipher: NoiseSendCipher
    /// Decrypts what this side reads.
    public let receiveCipher: NoiseReceiveCipher
}
