/// What can go wrong with keys and ciphertexts that come from outside.
public enum CryptographyError: Error, Hashable, Sendable {
    /// A key, nonce, signature or ciphertext has the wrong length.
    case wrongByteCount(expected: Int, actual: Int)
    /// The tag of a ciphertext does not fit: it was altered, or another key or nonce made it.
    case authenticationFailed
    /// The other side's X25519 key is of small order: the shared secret would be all zero.
    case weakSharedSecret
}
