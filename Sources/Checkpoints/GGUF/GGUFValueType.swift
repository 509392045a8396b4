/// The types that a metadata value can have in a GGUF file, by their codes.
///
/// Source: the value types of the GGUF specification.
public enum GGUFValueType: UInt32, Hashable, Sendable, CaseIterable {
    /// One byte.
    case uint8 = 0
    /// One byte in two's complement.
    case int8 = 1
    /// Two bytes.
    case uint16 = 2
    /// Two bytes in two's complement.
    case int16 = 3
    /// Four bytes.
    case uint32 = 4
    /// Four bytes in two's complement.
    case int32 = 5
    /// IEEE 754 binary32.
    case float32 = 6
    /// One byte, 0 or 1.
    case bool = 7
    /// A 64-bit length and UTF-8 bytes.
    case string = 8
    /// An element type, a 64-bit count and the elements.
    case array = 9
    /// Eight bytes.
    case uint64 = 10
    /// Eight bytes in two's complement.
    case int64 = 11
    /// IEEE 754 binary64.
    case float64 = 12

    /// The fewest bytes that a value of this type takes.
    var byteCountMin: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .uint16, .int16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64, .string: 8
        case .array: 12
        }
    }
}
