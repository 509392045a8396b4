internal import CSodium

/// Secrets derived from secrets: BLAKE2b keyed with the one, over a message that begins with a
/// domain.
///
/// Source: RFC 7693.
public enum KeyedDerivation {
    /// The output, 16 to 64 bytes, in guarded memory; the key has 16 to 64 bytes.
    public static func blake2b(
        key: SecretBytes, message: [UInt8], byteCount: Int = 32
    ) -> SecretBytes {
        precondition((16...64).contains(key.count), "a BLAKE2b key of \(key.count) bytes")
        precondition((16...64).contains(byteCount), "a BLAKE2b output of \(byteCount) bytes")
        return unsafe .filled(count: byteCount) { memory in
            let code = unsafe key.withPointer {
                unsafe crypto_generichash_blake2b(
                    memory, byteCount, message, UInt64(message.count), $0, key.count)
            }
            precondition(code == 0, "crypto_generichash_blake2b returned \(code)")
        }
    }
}
