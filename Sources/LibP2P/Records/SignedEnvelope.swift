public import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// A payload that an identity key signed under a domain.
///
/// Source: libp2p RFC 0002.
public struct SignedEnvelope: Hashable, Sendable {
    /// Greater envelopes are refused; it is twice what one identify message may have.
    public static let byteCountMax = 16 * 1024

    /// The key that signed.
    public let publicKey: PublicKey
    /// What the payload is.
    public let payloadType: [UInt8]
    /// What was signed.
    public let payload: [UInt8]
    /// The envelope as it was received or made; it is handed on unchanged.
    public let bytes: [UInt8]

    /// The peer that signed.
    public var signer: PeerID { PeerID(publicKey: publicKey) }

    /// Signs a payload.
    public static func seal(
        payload: [UInt8], payloadType: [UInt8], domain: String, key: SigningKey
    ) -> SignedEnvelope {
        let signed = signedBytes(domain: domain, payloadType: payloadType, payload: payload)
        var message = EnvelopeMessage()
        message.publicKey = .init(PublicKeyEncoding.encode(key.publicKey))
        message.payloadType = .init(payloadType)
        message.payload = .init(payload)
        message.signature = .init(key.signature(for: signed))
        return SignedEnvelope(
            publicKey: key.publicKey,
            payloadType: payloadType,
            payload: payload,
            bytes: message.wireBytes
        )
    }

    /// Reads an envelope and verifies its signature.
    ///
    /// - Throws: `invalidSignature`, `unsupportedKeyType`, `malformed`, `tooLarge`.
    public static func open(
        _ bytes: [UInt8], domain: String
    ) throws(LibP2PError) -> SignedEnvelope {
        guard bytes.count <= byteCountMax else {
            throw .tooLarge(.envelope, byteCount: bytes.count, byteCountMax: byteCountMax)
        }
        let message = try EnvelopeMessage(wireBytes: bytes, reading: .envelope)
        guard message.hasPublicKey, message.hasPayloadType, message.hasPayload,
            message.hasSignature
        else { throw .malformed(.envelope) }
        let key = try PublicKeyEncoding.decode(Array(message.publicKey))
        let envelope = SignedEnvelope(
            publicKey: key,
            payloadType: Array(message.payloadType),
            payload: Array(message.payload),
            bytes: bytes
        )
        let signed = signedBytes(
            domain: domain, payloadType: envelope.payloadType, payload: envelope.payload
        )
        guard key.isValidSignature(Array(message.signature), for: signed) else {
            throw .invalidSignature(.envelope)
        }
        return envelope
    }

    /// The bytes under the signature: domain, payload type and payload, each after its length.
    package static func signedBytes(
        domain: String, payloadType: [UInt8], payload: [UInt8]
    ) -> [UInt8] {
        LengthPrefixedDecoder.encode(Array(domain.utf8))
            + LengthPrefixedDecoder.encode(payloadType)
            + LengthPrefixedDecoder.encode(payload)
    }
}
