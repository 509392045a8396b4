internal import CSodium

/// An element of the ristretto255 group other than the identity.
///
/// Source: RFC 9496.
public struct RistrettoPoint: Hashable, Sendable {
    /// The length of every encoding.
    public static let byteCount = 32

    /// The canonical encoding, 32 bytes.
    public let bytes: [UInt8]

    /// Takes a canonical encoding; nil for any other bytes and for the identity, which no honest
    /// member ever sends.
    public init?(bytes: some Collection<UInt8>) {
        let copy = Array(bytes)
        guard copy.count == Self.byteCount, copy.contains(where: { $0 != 0 }) else { return nil }
        Sodium.prepare()
        guard unsafe crypto_core_ristretto255_is_valid_point(copy) == 1 else { return nil }
        self.bytes = copy
    }

    init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The sum of two points; nil where it is the identity.
    public func adding(_ other: RistrettoPoint) -> RistrettoPoint? {
        var output = [UInt8](repeating: 0, count: Self.byteCount)
        let code = unsafe crypto_core_ristretto255_add(&output, bytes, other.bytes)
        precondition(code == 0, "crypto_core_ristretto255_add returned \(code)")
        guard output.contains(where: { $0 != 0 }) else { return nil }
        return RistrettoPoint(unchecked: output)
    }

    /// The scalar's multiple of the point; nil where it is the identity.
    public func multiplied(by scalar: RistrettoScalar) -> RistrettoPoint? {
        var output = [UInt8](repeating: 0, count: Self.byteCount)
        // libsodium returns -1 for the identity.
        guard unsafe crypto_scalarmult_ristretto255(&output, scalar.bytes, bytes) == 0 else {
            return nil
        }
        return RistrettoPoint(unchecked: output)
    }
}
