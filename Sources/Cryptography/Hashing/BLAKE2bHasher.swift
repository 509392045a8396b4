internal import CSodium

// Sendable because a state is only written while this value is its single owner (copy on write).
/// BLAKE2b-256 of bytes that arrive in pieces.
///
/// A value: a copy continues on its own. Source: RFC 7693.
public struct BLAKE2bHasher: @unchecked Sendable {
    private var state: HasherState

    /// Starts a hash, keyed where the key (at most 64 bytes) is not empty.
    public init(key: [UInt8] = []) {
        precondition(
            key.count <= Hashing.blake2bKeyByteCountMax, "a BLAKE2b key of \(key.count) bytes"
        )
        Sodium.prepare()
        state = HasherState(byteCount: crypto_generichash_blake2b_statebytes())
        let code = unsafe state.withPointer {
            unsafe crypto_generichash_blake2b_init($0, key, key.count, Digest.byteCount)
        }
        precondition(code == 0, "crypto_generichash_blake2b_init returned \(code)")
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe update($0) }
    }

    /// Adds the bytes of a buffer.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        if !isKnownUniquelyReferenced(&state) { state = state.copy() }
        let code = unsafe state.withPointer {
            unsafe crypto_generichash_blake2b_update(
                $0, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
                UInt64(buffer.count)
            )
        }
        precondition(code == 0, "crypto_generichash_blake2b_update returned \(code)")
    }

    /// The digest of what was added so far; more may be added afterwards.
    public func finalize() -> Digest {
        let last = state.copy()
        var output = [UInt8](repeating: 0, count: Digest.byteCount)
        let code = unsafe last.withPointer {
            unsafe crypto_generichash_blake2b_final($0, &output, Digest.byteCount)
        }
        precondition(code == 0, "crypto_generichash_blake2b_final returned \(code)")
        return Digest(unchecked: output)
    }
}
