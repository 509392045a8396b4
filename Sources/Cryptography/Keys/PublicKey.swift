internal import CSodium

/// An Ed25519 public key, ordered by its bytes.
public struct PublicKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The length of every key.
    public static let byteCount = 32
    /// The length of every signature.
    public static let signatureByteCount = 64

    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Takes exactly 32 bytes; nil for any other count.
    ///
    /// Whether they name a point of the curve shows at the first signature: none is valid for
    /// a key that is not canonical or of small order.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Whether this key made the signature over the message.
    ///
    /// Source: RFC 8032.
    public func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == Self.signatureByteCount else { return false }
        Sodium.prepare()
        return unsafe crypto_sign_verify_detached(
            signature, message, UInt64(message.count), bytes
        ) == 0
    }

    /// The 64 lower-case hexadecimal digits.
    public var description: String { Hexadecimal.encode(bytes) }

    /// Orders by unsigned bytes, first byte first.
    public static func < (left: PublicKey, right: PublicKey) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
