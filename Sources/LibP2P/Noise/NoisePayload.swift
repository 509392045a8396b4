internal import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// What the handshake carries besides its keys: who speaks, the proof of it, and muxers.
struct NoisePayload {
    /// A list that is longer is refused; peers send one or two.
    static let muxerCountMax = 32

    let identityKeyMessage: [UInt8]
    let signature: [UInt8]
    /// Nil where the sender gave no list.
    let muxers: [String]?

    /// Binds the Noise static key to the identity.
    static func encode(
        identity: SigningKey, staticKey: [UInt8], muxers: [String]
    ) -> [UInt8] {
        var message = NoisePayloadMessage()
        message.identityKey = .init(PublicKeyEncoding.encode(identity.publicKey))
        message.identitySig = .init(
            identity.signature(for: SigningDomain.noiseStaticKey + staticKey)
        )
        if !muxers.isEmpty { message.extensions.streamMuxers = muxers }
        return message.wireBytes
    }

    init(bytes: [UInt8]) throws(LibP2PError) {
        let message = try NoisePayloadMessage(wireBytes: bytes, reading: .noisePayload)
        guard message.hasIdentityKey, message.hasIdentitySig else {
            throw .malformed(.noisePayload)
        }
        let list = message.extensions.streamMuxers
        guard list.count <= Self.muxerCountMax else {
            throw .tooMany(.noisePayload, countMax: Self.muxerCountMax)
        }
        identityKeyMessage = Array(message.identityKey)
        signature = Array(message.identitySig)
        muxers = list.isEmpty ? nil : list
    }

    /// The peer that the payload proves to speak.
    ///
    /// - Throws: `unsupportedKeyType`, `malformed(.publicKey)`, `invalidSignature`, `peerMismatch`.
    func authenticate(
        staticKey: [UInt8], expected: PeerID?
    ) throws(LibP2PError) -> (PeerID, PublicKey) {
        let key = try PublicKeyEncoding.decode(identityKeyMessage)
        guard key.isValidSignature(signature, for: SigningDomain.noiseStaticKey + staticKey)
        else { throw .invalidSignature(.noisePayload) }
        let peer = PeerID(publicKey: key)
        if let expected, expected != peer {
            throw .peerMismatch(expected: expected, actual: peer)
        }
        return (peer, key)
    }
}
