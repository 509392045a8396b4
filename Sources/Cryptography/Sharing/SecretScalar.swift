internal import CSodium

/// A secret integer modulo the order of ristretto255, in guarded memory.
///
/// Source: RFC 9496; arithmetic by libsodium, whose time depends on no value.
public struct SecretScalar: Sendable {
    /// The length of the encoding.
    public static let byteCount = 32

    /// The canonical encoding, 32 bytes, low byte first.
    public let secret: SecretBytes

    init(unchecked secret: SecretBytes) {
        self.secret = secret
    }

    /// Takes a canonical encoding; nil for another count, for zero and for a value not below the
    /// order.
    ///
    /// The time depends on nothing but the verdict.
    public init?(_ secret: SecretBytes) {
        guard secret.count == Self.byteCount else { return nil }
        let isCanonical = unsafe secret.withPointer { unsafe Self.isCanonical($0) }
        guard isCanonical else { return nil }
        self.secret = secret
    }

    /// A fresh one, uniform and not zero.
    public static func random() -> SecretScalar {
        SecretScalar(
            unchecked: unsafe .filled(count: byteCount) {
                unsafe crypto_core_ristretto255_scalar_random($0)
            })
    }

    /// 64 secret bytes, low byte first, modulo the order.
    public init(reducing wide: SecretBytes) {
        precondition(wide.count == 64, "\(wide.count) bytes to reduce")
        secret = unsafe .filled(count: Self.byteCount) { memory in
            unsafe wide.withPointer {
                unsafe crypto_core_ristretto255_scalar_reduce(memory, $0)
            }
        }
    }

    /// The scalar's multiple of the generator.
    public var point: RistrettoPoint {
        var output = [UInt8](repeating: 0, count: RistrettoPoint.byteCount)
        let code = unsafe secret.withPointer {
            unsafe crypto_scalarmult_ristretto255_base(&output, $0)
        }
        // A scalar below the order that is not zero has no multiple that is the identity.
        precondition(code == 0, "crypto_scalarmult_ristretto255_base returned \(code)")
        return RistrettoPoint(unchecked: output)
    }

    /// The Diffie-Hellman secret with another's point.
    ///
    /// It is not uniform: derive keys from it, never use it as one.
    ///
    /// - Throws: `weakSharedSecret` where libsodium refuses the point.
    public func sharedSecret(
        with other: RistrettoPoint
    ) throws(CryptographyError) -> SecretBytes {
        try unsafe SecretBytes(count: RistrettoPoint.byteCount) {
            (memory) throws(CryptographyError) in
            let code = unsafe secret.withPointer {
                unsafe crypto_scalarmult_ristretto255(memory, $0, other.bytes)
            }
            guard code == 0 else { throw .weakSharedSecret }
        }
    }

    /// Whether 32 bytes are below the order and not zero.
    static func isCanonical(_ bytes: UnsafePointer<UInt8>) -> Bool {
        // Subtracts the order byte by byte: a borrow at the end means "below".
        var borrow: UInt16 = 0
        var bits: UInt8 = 0
        for index in 0..<byteCount {
            let byte = unsafe bytes[index]
            let difference = UInt16(byte) &- UInt16(RistrettoScalar.order[index]) &- borrow
            borrow = difference >> 15
            bits |= byte
        }
        return borrow == 1 && bits != 0
    }
}
