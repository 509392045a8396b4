public import Cryptography
internal import SwiftProtobuf

/// An Ed25519 private key in the file form of libp2p: `08 01 12 40`, seed, public key.
public enum PrivateKeyEncoding {
    /// The length of the file form.
    public static let byteCount = 68
    private static let prefix: [UInt8] = [0x08, 0x01, 0x12, 0x40]
    /// The older form has 96 bytes of key data and repeats the public key.
    private static let byteCountMax = 128

    /// The 68 bytes.
    ///
    /// They hold the secret: write them to a file of mode 0600 and nowhere else.
    public static func encode(_ key: SigningKey) -> [UInt8] {
        prefix + key.copySeed() + key.publicKey.bytes
    }

    /// Reads the 68-byte form or the older one that repeats the public key.
    ///
    /// - Throws: `unsupportedKeyType`, `keyCopiesDiffer`, `malformed(.privateKey)`, `tooLarge`.
    public static func decode(_ bytes: [UInt8]) throws(LibP2PError) -> SigningKey {
        let message = try parse(bytes)
        let type = KeyType(wireNumber: message.type)
        guard type == .ed25519 else { throw .unsupportedKeyType(type) }
        let data = Array(message.data)
        guard data.count == 64 || data.count == 96 else { throw .malformed(.privateKey) }
        guard let key = SigningKey(seed: Array(data[..<32])) else { throw .malformed(.privateKey) }
        guard data[32..<64].elementsEqual(key.publicKey.bytes),
            data.count == 64 || data[32..<64] == data[64..<96]
        else { throw .keyCopiesDiffer }
        return key
    }

    private static func parse(_ bytes: [UInt8]) throws(LibP2PError) -> PublicKeyMessage {
        // An RSA key file is longer than the bound: its type still is the reason to name.
        let head = bytes.prefix(2)
        if bytes.count > byteCountMax, head.first == 0x08, let type = head.last, type != 1 {
            throw .unsupportedKeyType(KeyType(wireNumber: UInt64(type)))
        }
        guard bytes.count <= byteCountMax else {
            throw .tooLarge(.privateKey, byteCount: bytes.count, byteCountMax: byteCountMax)
        }
        // A private key message has the same two fields as a public one.
        let message = try PublicKeyMessage(wireBytes: bytes, reading: .privateKey)
        guard message.hasType, message.hasData else { throw .malformed(.privateKey) }
        return message
    }
}
