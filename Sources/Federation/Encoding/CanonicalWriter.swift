/// Writes the fixed layouts that are hashed and signed: big-endian integers, length prefixes.
struct CanonicalWriter {
    private(set) var bytes: [UInt8] = []

    /// Starts with a domain: its ASCII bytes and a zero byte.
    init(domain: StaticString) {
        bytes.append(contentsOf: domain.description.utf8)
        bytes.append(0)
    }

    init(byteCountHint: Int = 0) {
        bytes.reserveCapacity(byteCountHint)
    }

    mutating func write(_ value: some FixedWidthInteger & UnsignedInteger) {
        var shift = value.bitWidth - 8
        while shift >= 0 {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            shift -= 8
        }
    }

    /// A float as the eight bytes of its bit pattern.
    mutating func write(_ value: Double) {
        write(value.bitPattern)
    }

    /// A count that the caller has bounded, as four bytes.
    mutating func write(count: Int) {
        precondition(count >= 0 && count <= UInt32.max, "the count \(count) does not fit 32 bits")
        write(UInt32(count))
    }

    mutating func write(raw: [UInt8]) {
        bytes.append(contentsOf: raw)
    }

    /// Four bytes of length, then the bytes.
    mutating func write(prefixed: [UInt8]) {
        write(count: prefixed.count)
        bytes.append(contentsOf: prefixed)
    }

    mutating func write(_ text: String) {
        write(prefixed: Array(text.utf8))
    }
}
