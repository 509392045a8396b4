/// A hash value of 32 bytes, ordered by its bytes.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The length of every digest.
    public static let byteCount = 32

    /// The 32 bytes.
    public let bytes: [UInt8]

    /// Takes exactly 32 bytes; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// Reads 64 hexadecimal digits; nil for any other text.
    public init?(hexadecimal: String) {
        guard hexadecimal.utf8.count == 2 * Self.byteCount,
            let bytes = Hexadecimal.decode(hexadecimal)
        else { return nil }
        self.bytes = bytes
    }

    /// The digests that lie one behind the other in some bytes; nil where a part is left over.
    public static func all(in bytes: [UInt8]) -> [Digest]? {
        guard bytes.count.isMultiple(of: byteCount) else { return nil }
        return stride(from: 0, to: bytes.count, by: byteCount).map {
            Digest(unchecked: Array(bytes[$0..<($0 + byteCount)]))
        }
    }

    /// Takes the output of a hash function, which has the right length by construction.
    init(unchecked bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a digest of \(bytes.count) bytes")
        self.bytes = bytes
    }

    /// The 64 lower-case hexadecimal digits.
    public var hexadecimal: String { Hexadecimal.encode(bytes) }

    /// The 64 lower-case hexadecimal digits.
    public var description: String { hexadecimal }

    /// Orders by unsigned bytes, first byte first.
    public static func < (left: Digest, right: Digest) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
