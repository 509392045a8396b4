internal import CSodium

/// The key stream of XSalsa20, laid over bytes that come in pieces of any length.
///
/// It hides bytes and authenticates none: whoever uses it has another layer for that.
/// Source: Bernstein, "Extending the Salsa20 nonce", 2011.
public struct XSalsa20Stream: Sendable {
    /// The length of a key.
    public static let keyByteCount = 32
    /// The length of a nonce.
    public static let nonceByteCount = 24
    private static let blockByteCount = 64

    private let key: SecretBytes
    private let nonce: [UInt8]
    /// The bytes that have been laid over so far.
    private var position: UInt64 = 0

    /// Begins a stream; nil for a key or a nonce of another length.
    public init?(key: SecretBytes, nonce: [UInt8]) {
        guard key.count == Self.keyByteCount, nonce.count == Self.nonceByteCount else {
            return nil
        }
        Sodium.prepare()
        self.key = key
        self.nonce = nonce
    }

    /// Encrypts or decrypts the next bytes in place.
    public mutating func apply(to bytes: UnsafeMutableRawBufferPointer) {
        let count = bytes.count
        guard count > 0, let base = bytes.baseAddress else { return }
        let block = UInt64(Self.blockByteCount)
        let offset = Int(position % block)
        // What is left of a block that an earlier piece has begun.
        let headCount = offset == 0 ? 0 : min(Self.blockByteCount - offset, count)
        if headCount > 0 {
            // Zeros become the key stream itself.
            var stream = [UInt8](repeating: 0, count: offset + headCount)
            unsafe xor(&stream, stream.count, block: position / block)
            for index in 0..<headCount { unsafe bytes[index] ^= stream[offset + index] }
            position += UInt64(headCount)
        }
        if count > headCount {
            let rest = unsafe base.advanced(by: headCount).assumingMemoryBound(to: UInt8.self)
            unsafe xor(rest, count - headCount, block: position / block)
            position += UInt64(count - headCount)
        }
    }

    private func xor(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, block: UInt64) {
        let code = unsafe key.withPointer { key in
            unsafe crypto_stream_xsalsa20_xor_ic(bytes, bytes, UInt64(count), nonce, block, key)
        }
        precondition(code == 0, "crypto_stream_xsalsa20_xor_ic returned \(code)")
    }
}
