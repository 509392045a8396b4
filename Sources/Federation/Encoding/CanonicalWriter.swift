/// Writes the fixed layouts that are hashed and signed: big-endian integers, length prefixes.
public struct CanonicalWriter {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []

    /// Starts with a domain: its ASCII bytes and a zero byte.
    public init(domain: StaticString) {
        bytes.append(contentsOf: domain.description.utf8)
        bytes.append(0)
    }

    /// Starts without a domain.
    public init(byteCountHint: Int = 0) {
        bytes.reserveCapacity(byteCountHint)
    }

    /// The integer, high byte first, in as many bytes as its type has.
    public mutating func write(_ value: some FixedWidthInteger & UnsignedInteger) {
        var shift = value.bitWidth - 8
        while shift >= 0 {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            shift -= 8
        }
    }

    /// The integer, low byte first: what secure aggregation hashes and signs.
    public mutating func write(littleEndian value: some FixedWidthInteger & UnsignedInteger) {
        write(value.byteSwapped)
    }

    /// A float as the eight bytes of its bit pattern.
    public mutating func write(_ value: Double) {
        write(value.bitPattern)
    }

    /// A count that the caller has bounded, as four bytes.
    public mutating func write(count: Int) {
        precondition(count >= 0 && count <= UInt32.max, "the count \(count) does not fit 32 bits")
        write(UInt32(count))
    }

    /// The bytes as they are; their count follows from the layout.
    public mutating func write(raw: [UInt8]) {
        bytes.append(contentsOf: raw)
    }

    /// Four bytes of length, then the bytes.
    public mutating func write(prefixed: [UInt8]) {
        write(count: prefixed.count)
        bytes.append(contentsOf: prefixed)
    }

    /// Four bytes of length, then the UTF-8.
    public mutating func write(_ text: String) {
        write(prefixed: Array(text.utf8))
    }
}
