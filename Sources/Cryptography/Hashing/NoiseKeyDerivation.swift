internal import CSodium

/// The key derivation of the Noise framework: two outputs of HKDF with HMAC-SHA-256.
///
/// Source: Noise Protocol Framework revision 34, section 4.3. libsodium 1.0.18 has no HKDF, so
/// it is built from HMAC: temp = HMAC(ck, input), first = HMAC(temp, 1),
/// second = HMAC(temp, first ‖ 2).
public enum NoiseKeyDerivation {
    /// Derives the next chaining key and a cipher key; `input` is nil for the empty input of Split.
    public static func derive(
        chainingKey: SecretBytes, input: SecretBytes?
    ) -> (first: SecretBytes, second: SecretBytes) {
        let temporary = unsafe output(key: chainingKey) { state in
            guard let input else { return 0 }
            return unsafe input.withPointer {
                unsafe crypto_auth_hmacsha256_update(state, $0, UInt64(input.count))
            }
        }
        let first = unsafe output(key: temporary) { state in
            unsafe crypto_auth_hmacsha256_update(state, [1], 1)
        }
        let second = unsafe output(key: temporary) { state in
            let code = unsafe first.withPointer {
                unsafe crypto_auth_hmacsha256_update(state, $0, UInt64(first.count))
            }
            return unsafe code | crypto_auth_hmacsha256_update(state, [2], 1)
        }
        return (first, second)
    }

    private static func output(
        key: SecretBytes,
        update: (UnsafeMutablePointer<crypto_auth_hmacsha256_state>) -> Int32
    ) -> SecretBytes {
        unsafe SecretBytes.filled(count: Digest.byteCount) { memory in
            var state = crypto_auth_hmacsha256_state()
            var code = unsafe key.withPointer {
                unsafe crypto_auth_hmacsha256_init(&state, $0, key.count)
            }
            code |= unsafe update(&state)
            code |= unsafe crypto_auth_hmacsha256_final(
                &state, memory
            )
            precondition(code == 0, "crypto_auth_hmacsha256 returned \(code)")
            unsafe sodium_memzero(&state, MemoryLayout.size(ofValue: state))
        }
    }
}
