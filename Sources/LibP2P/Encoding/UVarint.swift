/// Unsigned LEB128 numbers of at most nine bytes, in their shortest form only.
///
/// Source: multiformats unsigned-varint.
public enum UVarint {
    /// The greatest number of bytes, which hold 63 bits.
    public static let byteCountMax = 9
    /// The greatest value that fits.
    public static let valueMax = UInt64.max >> 1

    /// The shortest encoding of a value up to `valueMax`.
    public static func encode(_ value: UInt64) -> [UInt8] {
        var output: [UInt8] = []
        append(value, to: &output)
        return output
    }

    /// Appends the shortest encoding of a value up to `valueMax`.
    public static func append(_ value: UInt64, to output: inout [UInt8]) {
        precondition(value <= valueMax, "\(value) needs more than \(byteCountMax) bytes")
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(rest))
    }

    /// Reads the number at the start of the bytes.
    ///
    /// Returns nil where the bytes end inside the number.
    /// - Throws: `notMinimal`, or `malformed(.varint)` for more than nine bytes.
    public static func decode(
        _ bytes: some Sequence<UInt8>
    ) throws(LibP2PError) -> (value: UInt64, byteCount: Int)? {
        var value: UInt64 = 0
        var count = 0
        for byte in bytes {
            value |= UInt64(byte & 0x7f) << UInt64(7 * count)
            count += 1
            if byte < 0x80 {
                if byte == 0 && count > 1 { throw .notMinimal }
                return (value, count)
            }
            if count == byteCountMax { throw .malformed(.varint) }
        }
        return nil
    }
}
