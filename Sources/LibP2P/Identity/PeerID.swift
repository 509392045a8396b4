public import Cryptography

/// The name of a peer: the multihash of its public key message, ordered by its bytes.
///
/// An Ed25519 id carries the key itself (38 bytes); ids of longer keys are SHA-256 hashes.
public struct PeerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    private static let identityCode: UInt8 = 0x00
    private static let sha256Code: UInt8 = 0x12
    /// Key messages up to this length are kept in the id unhashed.
    private static let inlineByteCountMax = 42

    /// The multihash.
    public let bytes: [UInt8]

    /// The id of an Ed25519 key.
    public init(publicKey: PublicKey) {
        self.init(checked: Self.multihash(of: PublicKeyEncoding.encode(publicKey)))
    }

    /// The id of a public key message, taken over its bytes as received.
    ///
    /// - Throws: `malformed(.publicKey)`, `tooLarge`.
    public init(publicKeyMessage: [UInt8]) throws(LibP2PError) {
        _ = try PublicKeyEncoding.keyType(of: publicKeyMessage)
        self.init(checked: Self.multihash(of: publicKeyMessage))
    }

    /// Reads a multihash: a key message kept in place, or a SHA-256 hash.
    ///
    /// - Throws: `malformed(.peerID)`; the errors of `PublicKeyEncoding` for what is kept in place.
    public init(multihash bytes: [UInt8]) throws(LibP2PError) {
        guard bytes.count >= 2, Int(bytes[1]) == bytes.count - 2 else { throw .malformed(.peerID) }
        switch bytes[0] {
        case Self.identityCode:
            guard bytes.count - 2 <= Self.inlineByteCountMax else { throw .malformed(.peerID) }
            let message = Array(bytes[2...])
            if try PublicKeyEncoding.keyType(of: message) == .ed25519 {
                _ = try PublicKeyEncoding.decode(message)
            }
        case Self.sha256Code:
            guard bytes.count == 2 + Digest.byteCount else { throw .malformed(.peerID) }
        default:
            throw .malformed(.peerID)
        }
        self.init(checked: bytes)
    }

    /// Reads a multihash; nil where it is not one that names a peer.
    public init?(bytes: some Collection<UInt8>) {
        do { try self.init(multihash: Array(bytes)) } catch { return nil }
    }

    /// Reads base58btc or CIDv1 text; nil where it is neither.
    public init?(text: String) {
        do { try self.init(parsing: text) } catch { return nil }
    }

    init(checked bytes: [UInt8]) {
        self.bytes = bytes
    }

    private static func multihash(of message: [UInt8]) -> [UInt8] {
        message.count <= inlineByteCountMax
            ? [identityCode, UInt8(message.count)] + message
            : [sha256Code, UInt8(Digest.byteCount)] + Hashing.sha256(message).bytes
    }

    /// The Ed25519 key, where the id carries one.
    public var publicKey: PublicKey? {
        guard bytes.count == 2 + PublicKeyEncoding.ed25519Prefix.count + PublicKey.byteCount,
            bytes[0] == Self.identityCode,
            bytes[2...].starts(with: PublicKeyEncoding.ed25519Prefix)
        else { return nil }
        return PublicKey(bytes: bytes.suffix(PublicKey.byteCount))
    }

    /// Base58btc, as people exchange it.
    public var description: String { Base58.encode(bytes) }

    /// Orders by unsigned bytes, first byte first.
    public static func < (left: PeerID, right: PeerID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
