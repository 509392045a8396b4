public import Cryptography
internal import SwiftProtobuf

/// A public key as the identity message of libp2p: field 1 the type, field 2 the key.
public enum PublicKeyEncoding {
    /// What precedes the 32 bytes of an Ed25519 key.
    static let ed25519Prefix: [UInt8] = [0x08, 0x01, 0x12, 0x20]
    /// Greater messages are refused; an RSA key of 8192 bits has about 1,100 bytes.
    static let byteCountMax = 4096

    /// The 36 bytes of an Ed25519 key.
    public static func encode(_ key: PublicKey) -> [UInt8] {
        ed25519Prefix + key.bytes
    }

    /// The type that a message names, whatever its key looks like.
    ///
    /// - Throws: `malformed(.publicKey)`, `tooLarge`.
    public static func keyType(of message: [UInt8]) throws(LibP2PError) -> KeyType {
        try KeyType(wireNumber: parse(message).type)
    }

    /// The Ed25519 key of a message.
    ///
    /// - Throws: `unsupportedKeyType` for a well-formed key of another type,
    ///   `malformed(.publicKey)` for anything but the one deterministic encoding.
    public static func decode(_ message: [UInt8]) throws(LibP2PError) -> PublicKey {
        let parsed = try parse(message)
        let type = KeyType(wireNumber: parsed.type)
        guard type == .ed25519 else { throw .unsupportedKeyType(type) }
        guard let key = PublicKey(bytes: parsed.data), encode(key) == message else {
            throw .malformed(.publicKey)
        }
        return key
    }

    private static func parse(_ message: [UInt8]) throws(LibP2PError) -> PublicKeyMessage {
        guard message.count <= byteCountMax else {
            throw .tooLarge(.publicKey, byteCount: message.count, byteCountMax: byteCountMax)
        }
        let parsed = try PublicKeyMessage(wireBytes: message, reading: .publicKey)
        guard parsed.hasType, parsed.hasData else { throw .malformed(.publicKey) }
        return parsed
    }
}
