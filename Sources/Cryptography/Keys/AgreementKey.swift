internal import CSodium

/// An X25519 key pair for Diffie-Hellman.
///
/// Source: RFC 7748.
public final class AgreementKey: Sendable {
    /// The length of a public key, a secret key and a shared secret.
    public static let byteCount = 32

    /// The public half, 32 bytes.
    public let publicKey: [UInt8]
    private let secret: SecretBytes

    private init(checked secret: SecretBytes) {
        var output = [UInt8](repeating: 0, count: Self.byteCount)
        let code = unsafe secret.withPointer {
            unsafe crypto_scalarmult_curve25519_base(&output, $0)
        }
        precondition(code == 0, "crypto_scalarmult_curve25519_base returned \(code)")
        publicKey = output
        self.secret = secret
    }

    /// Makes a fresh key pair.
    public convenience init() {
        self.init(checked: SecretBytes.random(count: Self.byteCount))
    }

    /// Takes a secret key of exactly 32 bytes; nil for any other count.
    public convenience init?(secret: [UInt8]) {
        guard secret.count == Self.byteCount else { return nil }
        self.init(checked: SecretBytes(copying: secret))
    }

    /// Takes a guarded secret key of exactly 32 bytes; nil for any other count.
    public convenience init?(secret: SecretBytes) {
        guard secret.count == Self.byteCount else { return nil }
        self.init(checked: secret)
    }

    /// The secret that both sides share.
    ///
    /// It is not uniform: derive keys from it, never use it as one.
    ///
    /// - Throws: `wrongByteCount` for a key that has not 32 bytes, `weakSharedSecret` where the
    ///   result would be all zero.
    public func sharedSecret(with other: [UInt8]) throws(CryptographyError) -> SecretBytes {
        guard other.count == Self.byteCount else {
            throw .wrongByteCount(expected: Self.byteCount, actual: other.count)
        }
        return try unsafe SecretBytes(count: Self.byteCount) { (memory) throws(CryptographyError) in
            // libsodium returns -1 for the all-zero result of a small-order point.
            let code = unsafe secret.withPointer {
                unsafe crypto_scalarmult_curve25519(memory, $0, other)
            }
            guard code == 0 else { throw .weakSharedSecret }
        }
    }

    /// The session keys of the key exchange with another's public key: one for each direction.
    ///
    /// One side takes the client's role, the other the server's; then what one sends with is what
    /// the other receives with.
    ///
    /// Source: libsodium's crypto_kx: BLAKE2b-512 over the shared secret and both public keys.
    ///
    /// - Throws: `wrongByteCount` for a key that has not 32 bytes, `weakSharedSecret` for a point
    ///   of small order.
    public func sessionKeys(
        with other: [UInt8], isClient: Bool
    ) throws(CryptographyError) -> (receive: SecretBytes, send: SecretBytes) {
        guard other.count == Self.byteCount else {
            throw .wrongByteCount(expected: Self.byteCount, actual: other.count)
        }
        let both = try unsafe SecretBytes(count: 2 * Self.byteCount) {
            (memory) throws(CryptographyError) in
            let code = unsafe secret.withPointer {
                unsafe isClient
                    ? crypto_kx_client_session_keys(
                        memory, memory + Self.byteCount, publicKey, $0, other)
                    : crypto_kx_server_session_keys(
                        memory, memory + Self.byteCount, publicKey, $0, other)
            }
            guard code == 0 else { throw .weakSharedSecret }
        }
        return (both.slice(at: 0, count: Self.byteCount), both.slice(at: 32, count: 32))
    }
}
