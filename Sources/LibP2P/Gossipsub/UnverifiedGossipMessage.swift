internal import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// A message whose signature has not been looked at: enough to tell whether it is a repetition.
struct UnverifiedGossipMessage {
    /// What the message will be if its signature holds.
    let message: GossipMessage
    private let parsed: GossipMessageMessage

    /// Reads everything but the signature.
    ///
    /// - Throws: every error of ``GossipMessageError`` that needs no key.
    init(_ bytes: [UInt8], dataByteCountMax: Int) throws(GossipMessageError) {
        guard let parsed = try? GossipMessageMessage(serializedBytes: bytes) else {
            throw .malformed
        }
        guard parsed.hasTopic, !parsed.topic.isEmpty else { throw .missingTopic }
        guard parsed.hasFrom, let author = PeerID(bytes: parsed.from) else { throw .invalidAuthor }
        guard parsed.seqno.count == GossipMessage.sequenceNumberByteCount else {
            throw .sequenceNumberByteCount(parsed.seqno.count)
        }
        guard parsed.hasSignature else { throw .missingSignature }
        guard parsed.data.count <= dataByteCountMax else {
            throw .dataTooLarge(byteCount: parsed.data.count, byteCountMax: dataByteCountMax)
        }
        self.parsed = parsed
        message = GossipMessage(
            author: author,
            sequenceNumber: parsed.seqno.reduce(0) { $0 << 8 | UInt64($1) },
            topic: parsed.topic,
            data: [UInt8](parsed.data),
            bytes: bytes
        )
    }

    /// The topic of a message, whatever else is wrong with it.
    static func topic(of bytes: [UInt8]) -> String? {
        (try? GossipMessageMessage(serializedBytes: bytes))?.topic
    }

    /// Checks the signature over fields 1 to 4 as they were read.
    func verified() throws(GossipMessageError) -> GossipMessage {
        guard parsed.unknownFields.data.isEmpty else { throw .unknownFields }
        guard let key = message.author.publicKey else {
            throw .unsupportedKeyType(foreignKeyType)
        }
        if parsed.hasKey, [UInt8](parsed.key) != PublicKeyEncoding.encode(key) {
            throw .keyMismatch
        }
        var signed = parsed
        signed.clearSignature()
        signed.clearKey()
        guard
            key.isValidSignature(
                [UInt8](parsed.signature), for: SigningDomain.gossipMessage + signed.wireBytes)
        else { throw .invalidSignature }
        return message
    }

    /// The type of a key that is no Ed25519 key; RSA where only its hash is known.
    private var foreignKeyType: KeyType {
        guard parsed.hasKey, let type = try? PublicKeyEncoding.keyType(of: [UInt8](parsed.key))
        else { return .rsa }
        return type
    }
}
