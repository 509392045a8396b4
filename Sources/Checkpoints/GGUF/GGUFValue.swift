/// A metadata value of a GGUF file; integers of every width are one case.
enum GGUFValue: Hashable, Sendable {
    case integer(Int64)
    /// An unsigned integer above `Int64.max`.
    case hugeInteger(UInt64)
    case float(Double)
    case bool(Bool)
    case string(String)
    case integers([Int64])
    case floats([Double])
    case bools([Bool])
    case strings([String])
    /// An array of arrays, which no key that is used here has; its values are skipped.
    case nested

    /// The kind of value in words, for messages.
    var kind: String {
        switch self {
        case .integer, .hugeInteger: "an integer"
        case .float: "a number"
        case .bool: "a Boolean"
        case .string: "a string"
        case .integers: "an array of integers"
        case .floats: "an array of numbers"
        case .bools: "an array of Booleans"
        case .strings: "an array of strings"
        case .nested: "an array of arrays"
        }
    }
}

/// The types that a value can have in the file.
enum GGUFValueType: UInt32 {
    case uint8 = 0
    case int8 = 1
    case uint16 = 2
    case int16 = 3
    case uint32 = 4
    case int32 = 5
    case float32 = 6
    case bool = 7
    case string = 8
    case array = 9
    case uint64 = 10
    case int64 = 11
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
