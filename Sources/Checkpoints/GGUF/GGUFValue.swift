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
