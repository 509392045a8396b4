internal import CSodium

/// SHA-256 of bytes that arrive in pieces.
///
/// A value: a copy continues on its own. Source: FIPS 180-4.
public struct SHA256Hasher: Sendable {
    private var state = crypto_hash_sha256_state()

    /// Starts a hash.
    public init() {
        Sodium.prepare()
        let code = unsafe crypto_hash_sha256_init(&state)
        precondition(code == 0, "crypto_hash_sha256_init returned \(code)")
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    /// Adds the bytes of a buffer.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        let code = unsafe crypto_hash_sha256_update(
            &state,
            buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
            UInt64(buffer.count)
        )
        precondition(code == 0, "crypto_hash_sha256_update returned \(code)")
    }

    /// The digest of what was added so far; more may be added afterwards.
    public func finalize() -> Digest {
        var last = state
        var output = [UInt8](repeating: 0, count: Digest.byteCount)
        let code = unsafe crypto_hash_sha256_final(&last, &output)
        precondition(code == 0, "crypto_hash_sha256_final returned \(code)")
        return Digest(unchecked: output)
    }
}
