internal import CSodium

/// XChaCha20-Poly1305 with a 24-byte nonce, long enough to be drawn at random.
///
/// It does not commit to its key: a receiver tries exactly the key that the message names.
/// Source: draft-irtf-cfrg-xchacha-03.
public struct XChaChaPoly: Sendable {
    /// The length of a key.
    public static let keyByteCount = 32
    /// The length of a nonce.
    public static let nonceByteCount = 24
    /// The length of the tag that follows the ciphertext.
    public static let tagByteCount = 16

    private let key: SecretBytes

    /// Takes a key of exactly 32 bytes; nil for any other count.
    public init?(key: SecretBytes) {
        guard key.count == Self.keyByteCount else { return nil }
        Sodium.prepare()
        self.key = key
    }

    /// Encrypts under a fresh random nonce: nonce, ciphertext, tag.
    public func seal(_ plaintext: [UInt8], associatedData: [UInt8] = []) -> [UInt8] {
        let nonce = SystemRandom.bytes(Self.nonceByteCount)
        do {
            return nonce + (try seal(plaintext, nonce: nonce, associatedData: associatedData))
        } catch {
            fatalError("a nonce of \(nonce.count) bytes was refused: \(error)")
        }
    }

    /// Decrypts what the form with a random nonce made.
    ///
    /// - Throws: `authenticationFailed`, also for less bytes than nonce and tag need.
    public func open(
        _ box: [UInt8], associatedData: [UInt8] = []
    ) throws(CryptographyError) -> [UInt8] {
        guard box.count >= Self.nonceByteCount + Self.tagByteCount else {
            throw .authenticationFailed
        }
        return try open(
            Array(box[Self.nonceByteCount...]),
            nonce: Array(box[..<Self.nonceByteCount]),
            associatedData: associatedData
        )
    }

    /// Encrypts under a nonce that the protocol derives: ciphertext, tag.
    ///
    /// - Throws: `wrongByteCount` for a nonce that has not 24 bytes.
    public func seal(
        _ plaintext: [UInt8], nonce: [UInt8], associatedData: [UInt8] = []
    ) throws(CryptographyError) -> [UInt8] {
        try Self.check(nonce)
        var output = [UInt8](repeating: 0, count: plaintext.count + Self.tagByteCount)
        let code = unsafe key.withPointer {
            unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                &output, nil, plaintext, UInt64(plaintext.count),
                associatedData, UInt64(associatedData.count), nil, nonce, $0
            )
        }
        precondition(code == 0, "crypto_aead_xchacha20poly1305_ietf_encrypt returned \(code)")
        return output
    }

    /// Decrypts under a nonce that the protocol derives.
    ///
    /// - Throws: `wrongByteCount` for a nonce that has not 24 bytes, else `authenticationFailed`.
    public func open(
        _ ciphertext: [UInt8], nonce: [UInt8], associatedData: [UInt8] = []
    ) throws(CryptographyError) -> [UInt8] {
        try Self.check(nonce)
        guard ciphertext.count >= Self.tagByteCount else { throw .authenticationFailed }
        var output = [UInt8](repeating: 0, count: ciphertext.count - Self.tagByteCount)
        let code = unsafe key.withPointer {
            unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                &output, nil, nil, ciphertext, UInt64(ciphertext.count),
                associatedData, UInt64(associatedData.count), nonce, $0
            )
        }
        guard code == 0 else { throw .authenticationFailed }
        return output
    }

    /// Encrypts what lies in guarded memory: ciphertext, tag.
    ///
    /// - Throws: `wrongByteCount` for a nonce that has not 24 bytes.
    public func seal(
        _ plaintext: SecretBytes, nonce: [UInt8], associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        try Self.check(nonce)
        var output = [UInt8](repeating: 0, count: plaintext.count + Self.tagByteCount)
        let code = unsafe key.withPointer { key in
            unsafe plaintext.withPointer {
                unsafe crypto_aead_xchacha20poly1305_ietf_encrypt(
                    &output, nil, $0, UInt64(plaintext.count),
                    associatedData, UInt64(associatedData.count), nil, nonce, key
                )
            }
        }
        precondition(code == 0, "crypto_aead_xchacha20poly1305_ietf_encrypt returned \(code)")
        return output
    }

    /// Decrypts into guarded memory.
    ///
    /// - Throws: `wrongByteCount` for a nonce that has not 24 bytes, else `authenticationFailed`,
    ///   also where there is nothing but a tag.
    public func openSecret(
        _ ciphertext: [UInt8], nonce: [UInt8], associatedData: [UInt8]
    ) throws(CryptographyError) -> SecretBytes {
        try Self.check(nonce)
        guard ciphertext.count > Self.tagByteCount else { throw .authenticationFailed }
        return try unsafe SecretBytes(count: ciphertext.count - Self.tagByteCount) {
            (memory) throws(CryptographyError) in
            let code = unsafe key.withPointer {
                unsafe crypto_aead_xchacha20poly1305_ietf_decrypt(
                    memory, nil, nil, ciphertext, UInt64(ciphertext.count),
                    associatedData, UInt64(associatedData.count), nonce, $0
                )
            }
            guard code == 0 else { throw .authenticationFailed }
        }
    }

    private static func check(_ nonce: [UInt8]) throws(CryptographyError) {
        guard nonce.count == nonceByteCount else {
            throw .wrongByteCount(expected: nonceByteCount, actual: nonce.count)
        }
    }
}
