internal import CSodium

/// Secrets derived from secrets: BLAKE2b keyed with the one, over a message that begins with a
/// domain.
///
/// Source: RFC 7693.
public enum KeyedDerivation {
    /// The output, 16 to 64 bytes, in guarded memory; the key, where there is one, has 16 to 64
    /// bytes.
    public static func blake2b(
        key: SecretBytes?, message: [UInt8], byteCount: Int = 32
    ) -> SecretBytes {
        let keyByteCount = key?.count ?? 0
        precondition(
            key == nil || (16...64).contains(keyByteCount),
            "a BLAKE2b key of \(keyByteCount) bytes")
        precondition((16...64).contains(byteCount), "a BLAKE2b output of \(byteCount) bytes")
        Sodium.prepare()
        return unsafe .filled(count: byteCount) { memory in
            let code =
                unsafe key?.withPointer {
                    unsafe crypto_generichash_blake2b(
                        memory, byteCount, message, UInt64(message.count), $0, keyByteCount)
                }
                ?? crypto_generichash_blake2b(
                    memory, byteCount, message, UInt64(message.count), nil, 0)
            precondition(code == 0, "crypto_generichash_blake2b returned \(code)")
        }
    }
}
