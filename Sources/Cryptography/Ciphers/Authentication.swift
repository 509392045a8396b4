internal import CSodium

/// Message authentication with a shared key.
public enum Authentication {
    /// HMAC-SHA-256; the key may have any length.
    ///
    /// Source: RFC 2104, vectors RFC 4231.
    public static func hmacSHA256(key: [UInt8], message: [UInt8]) -> Digest {
        unsafe hmacSHA256(key: key, keyByteCount: key.count, message: message)
    }

    /// HMAC-SHA-256 with a guarded key.
    public static func hmacSHA256(key: SecretBytes, message: [UInt8]) -> Digest {
        unsafe key.withPointer {
            unsafe hmacSHA256(key: $0, keyByteCount: key.count, message: message)
        }
    }

    /// Whether the code belongs to the message, compared in constant time.
    public static func isValid(
        code: [UInt8], key: SecretBytes, message: [UInt8]
    ) -> Bool {
        ConstantTime.areEqual(code, hmacSHA256(key: key, message: message).bytes)
    }

    private static func hmacSHA256(
        key: UnsafePointer<UInt8>, keyByteCount: Int, message: [UInt8]
    ) -> Digest {
        Sodium.prepare()
        var state = crypto_auth_hmacsha256_state()
        var output = [UInt8](repeating: 0, count: Digest.byteCount)
        var code = unsafe crypto_auth_hmacsha256_init(&state, key, keyByteCount)
        code |= unsafe crypto_auth_hmacsha256_update(&state, message, UInt64(message.count))
        code |= unsafe crypto_auth_hmacsha256_final(&state, &output)
        precondition(code == 0, "crypto_auth_hmacsha256 returned \(code)")
        unsafe sodium_memzero(&state, MemoryLayout.size(ofValue: state))
        return Digest(unchecked: output)
    }
}
