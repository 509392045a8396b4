internal import CSodium

/// ChaCha20-Poly1305 with a 12-byte nonce, in place.
///
/// Source: RFC 8439.
///
/// A nonce must never be used twice with one key; the counter form exists for callers that own a
/// counter per direction and increase it after each success.
@safe
public struct ChaChaPoly: Sendable {
    /// The length of a key.
    public static let keyByteCount = 32
    /// The length of the tag that follows the ciphertext.
    public static let tagByteCount = 16

    /// The 12 bytes that are different for every message under one key.
    public struct Nonce: Hashable, Sendable {
        /// The length of a nonce.
        public static let byteCount = 12
        let prefix: UInt32
        let suffix: UInt64

        /// Noise's form: 4 zero bytes, then the counter, little-endian.
        public init(counter: UInt64) {
            prefix = 0
            suffix = counter
        }

        /// Takes exactly 12 bytes; nil for any other count.
        public init?(bytes: [UInt8]) {
            guard bytes.count == Self.byteCount else { return nil }
            prefix = bytes[..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
            suffix = bytes[4...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }

        /// Lends the twelve bytes in wire order; they lie on the stack.
        fileprivate func withBytes(_ body: (UnsafePointer<UInt8>) -> Int32) -> Int32 {
            let wire = (
                prefix.littleEndian,
                UInt32(truncatingIfNeeded: suffix).littleEndian,
                UInt32(truncatingIfNeeded: suffix >> 32).littleEndian
            )
            return unsafe withUnsafePointer(to: wire) { pointer in
                unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: UInt8.self))
            }
        }
    }

    private let key: SecretBytes

    /// Takes a key of exactly 32 bytes; nil for any other count.
    public init?(key: SecretBytes) {
        guard key.count == Self.keyByteCount else { return nil }
        Sodium.prepare()
        self.key = key
    }

    /// Encrypts in place.
    ///
    /// The buffer holds the plaintext and 16 bytes more, which take the tag. Nothing is allocated.
    @safe
    public func seal(
        inPlace buffer: UnsafeMutableRawBufferPointer,
        nonce: Nonce,
        associatedData: UnsafeRawBufferPointer? = nil
    ) {
        let byteCount = buffer.count - Self.tagByteCount
        precondition(byteCount >= 0, "no room for a tag in \(buffer.count) bytes")
        guard let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            preconditionFailure("a buffer with room for a tag but without an address")
        }
        var written: UInt64 = 0
        let code = unsafe key.withPointer { keyBytes in
            unsafe nonce.withBytes { nonceBytes in
                unsafe crypto_aead_chacha20poly1305_ietf_encrypt(
                    start, &written, start, UInt64(byteCount),
                    associatedData?.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    UInt64(associatedData?.count ?? 0), nil, nonceBytes, keyBytes
                )
            }
        }
        precondition(code == 0 && Int(written) == buffer.count, "encrypt returned \(code)")
    }

    /// Decrypts in place and returns the number of plaintext bytes at the buffer's start.
    ///
    /// The buffer holds ciphertext and tag. Nothing is allocated; on failure the buffer is of no
    /// more use, libsodium wipes it.
    /// - Throws: `authenticationFailed`, also for a buffer shorter than a tag.
    @safe
    public func open(
        inPlace buffer: UnsafeMutableRawBufferPointer,
        nonce: Nonce,
        associatedData: UnsafeRawBufferPointer? = nil
    ) throws(CryptographyError) -> Int {
        guard buffer.count >= Self.tagByteCount,
            let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        else { throw .authenticationFailed }
        var written: UInt64 = 0
        let code = unsafe key.withPointer { keyBytes in
            unsafe nonce.withBytes { nonceBytes in
                unsafe crypto_aead_chacha20poly1305_ietf_decrypt(
                    start, &written, nil, start, UInt64(buffer.count),
                    associatedData?.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    UInt64(associatedData?.count ?? 0), nonceBytes, keyBytes
                )
            }
        }
        guard code == 0 else { throw .authenticationFailed }
        return Int(written)
    }

    /// The ciphertext with its tag.
    public func seal(
        _ plaintext: [UInt8], nonce: Nonce, associatedData: [UInt8] = []
    ) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: plaintext.count + Self.tagByteCount)
        let code = unsafe key.withPointer { keyBytes in
            unsafe nonce.withBytes { nonceBytes in
                unsafe crypto_aead_chacha20poly1305_ietf_encrypt(
                    &output, nil, plaintext, UInt64(plaintext.count),
                    associatedData, UInt64(associatedData.count), nil, nonceBytes, keyBytes
                )
            }
        }
        precondition(code == 0, "crypto_aead_chacha20poly1305_ietf_encrypt returned \(code)")
        return output
    }

    /// The plaintext of a ciphertext with its tag.
    ///
    /// - Throws: `authenticationFailed`.
    public func open(
        _ ciphertext: [UInt8], nonce: Nonce, associatedData: [UInt8] = []
    ) throws(CryptographyError) -> [UInt8] {
        guard ciphertext.count >= Self.tagByteCount else { throw .authenticationFailed }
        var output = [UInt8](repeating: 0, count: ciphertext.count - Self.tagByteCount)
        let code = unsafe key.withPointer { keyBytes in
            unsafe nonce.withBytes { nonceBytes in
                unsafe crypto_aead_chacha20poly1305_ietf_decrypt(
                    &output, nil, nil, ciphertext, UInt64(ciphertext.count),
                    associatedData, UInt64(associatedData.count), nonceBytes, keyBytes
                )
            }
        }
        guard code == 0 else { throw .authenticationFailed }
        return output
    }
}
