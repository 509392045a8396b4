internal import CSodium

/// Hash functions over bytes that are already in memory.
public enum Hashing {
    /// The greatest key of a keyed BLAKE2b hash, in bytes.
    public static let blake2bKeyByteCountMax = 64

    /// SHA-256 of the bytes.
    ///
    /// Source: FIPS 180-4.
    public static func sha256(_ bytes: [UInt8]) -> Digest {
        unsafe bytes.withUnsafeBytes { unsafe sha256($0) }
    }

    /// SHA-256 of the buffer.
    ///
    /// Source: FIPS 180-4.
    public static func sha256(_ buffer: UnsafeRawBufferPointer) -> Digest {
        Sodium.prepare()
        var output = [UInt8](repeating: 0, count: Digest.byteCount)
        let code = unsafe crypto_hash_sha256(
            &output,
            buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
            UInt64(buffer.count)
        )
        precondition(code == 0, "crypto_hash_sha256 returned \(code)")
        return Digest(unchecked: output)
    }

    /// SHA-256 of one byte and the bytes behind it, without a copy of them.
    ///
    /// Source: FIPS 180-4.
    public static func sha256(prefix: UInt8, _ bytes: [UInt8]) -> Digest {
        var hasher = SHA256Hasher()
        unsafe withUnsafeBytes(of: prefix) { unsafe hasher.update($0) }
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// SHA-256 of one byte and two digests behind it.
    ///
    /// Source: FIPS 180-4.
    public static func sha256(prefix: UInt8, _ left: Digest, _ right: Digest) -> Digest {
        unsafe withUnsafeTemporaryAllocation(
            byteCount: 1 + 2 * Digest.byteCount, alignment: 1
        ) { buffer in
            unsafe buffer[0] = prefix
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[1...]).copyBytes(from: left.bytes)
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[(1 + Digest.byteCount)...])
                .copyBytes(from: right.bytes)
            return unsafe sha256(UnsafeRawBufferPointer(buffer))
        }
    }

    /// BLAKE2b with 32 bytes of output, keyed where the key is not empty.
    ///
    /// Source: RFC 7693.
    ///
    /// The key has at most 64 bytes.
    public static func blake2b256(_ bytes: [UInt8], key: [UInt8] = []) -> Digest {
        unsafe bytes.withUnsafeBytes { unsafe blake2b256($0, key: key) }
    }

    /// BLAKE2b of the buffer, as for an array.
    public static func blake2b256(_ buffer: UnsafeRawBufferPointer, key: [UInt8] = []) -> Digest {
        precondition(key.count <= blake2bKeyByteCountMax, "a BLAKE2b key of \(key.count) bytes")
        Sodium.prepare()
        var output = [UInt8](repeating: 0, count: Digest.byteCount)
        let code = unsafe crypto_generichash_blake2b(
            &output,
            Digest.byteCount,
            buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
            UInt64(buffer.count),
            key,
            key.count
        )
        precondition(code == 0, "crypto_generichash_blake2b returned \(code)")
        return Digest(unchecked: output)
    }

    /// BLAKE2b with 16 bytes of output: a short name for bytes that are also known in full.
    ///
    /// Source: RFC 7693.
    public static func blake2b128(_ bytes: [UInt8]) -> [UInt8] {
        Sodium.prepare()
        var output = [UInt8](repeating: 0, count: 16)
        let code = unsafe crypto_generichash_blake2b(
            &output, 16, bytes, UInt64(bytes.count), nil, 0)
        precondition(code == 0, "crypto_generichash_blake2b returned \(code)")
        return output
    }

    /// BLAKE2b-256 of ring words as they travel, low byte first.
    public static func blake2b256(littleEndianWords words: ArraySlice<UInt32>) -> Digest {
        #if _endian(little)
        unsafe words.withUnsafeBytes { unsafe blake2b256($0) }
        #else
        unsafe words.map(\.littleEndian).withUnsafeBytes { unsafe blake2b256($0) }
        #endif
    }
}
