internal import CSodium

/// An integer modulo the order of ristretto255 that is no secret: an index, a coefficient of an
/// interpolation, a share that was revealed.
///
/// Source: RFC 9496; arithmetic by libsodium, whose time depends on no value.
public struct RistrettoScalar: Hashable, Sendable {
    /// The length of every encoding.
    public static let byteCount = 32
    /// The order of the group, 2^252 + 27742317777372353535851937790883648493, low byte first.
    static let order: [UInt8] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ]

    /// The canonical encoding, 32 bytes, low byte first.
    public let bytes: [UInt8]

    /// Takes a canonical encoding; nil for another count and for a value not below the order.
    public init?(bytes: some Collection<UInt8>) {
        let copy = Array(bytes)
        guard copy.count == Self.byteCount,
            copy.reversed().lexicographicallyPrecedes(Self.order.reversed())
        else { return nil }
        self.bytes = copy
    }

    /// A small number.
    public init(_ value: UInt16) {
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        bytes[0] = UInt8(truncatingIfNeeded: value)
        bytes[1] = UInt8(truncatingIfNeeded: value >> 8)
        self.bytes = bytes
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The product modulo the order.
    public func multiplied(by other: RistrettoScalar) -> RistrettoScalar {
        var output = [UInt8](repeating: 0, count: Self.byteCount)
        unsafe crypto_core_ristretto255_scalar_mul(&output, bytes, other.bytes)
        return RistrettoScalar(unchecked: output)
    }

    /// The difference modulo the order.
    public func subtracting(_ other: RistrettoScalar) -> RistrettoScalar {
        var output = [UInt8](repeating: 0, count: Self.byteCount)
        unsafe crypto_core_ristretto255_scalar_sub(&output, bytes, other.bytes)
        return RistrettoScalar(unchecked: output)
    }

    /// The inverse modulo the order; nil for zero.
    public var inverse: RistrettoScalar? {
        var output = [UInt8](repeating: 0, count: Self.byteCount)
        guard unsafe crypto_core_ristretto255_scalar_invert(&output, bytes) == 0 else { return nil }
        return RistrettoScalar(unchecked: output)
    }
}
