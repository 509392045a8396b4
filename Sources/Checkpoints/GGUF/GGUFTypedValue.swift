/// A metadata value for a GGUF file, with the type that it has there.
public enum GGUFTypedValue: Hashable, Sendable {
    /// A value of the type that the case is named after.
    case uint8(UInt8)
    /// A value of the type that the case is named after.
    case int8(Int8)
    /// A value of the type that the case is named after.
    case uint16(UInt16)
    /// A value of the type that the case is named after.
    case int16(Int16)
    /// A value of the type that the case is named after.
    case uint32(UInt32)
    /// A value of the type that the case is named after.
    case int32(Int32)
    /// A value of the type that the case is named after.
    case uint64(UInt64)
    /// A value of the type that the case is named after.
    case int64(Int64)
    /// A value of the type that the case is named after.
    case float32(Float)
    /// A value of the type that the case is named after.
    case float64(Double)
    /// A value of the type that the case is named after.
    case bool(Bool)
    /// A value of the type that the case is named after.
    case string(String)
    /// Values that all have the type given, which may itself be `array`.
    case array(GGUFValueType, [GGUFTypedValue])

    /// The type in the file.
    public var type: GGUFValueType {
        switch self {
        case .uint8: .uint8
        case .int8: .int8
        case .uint16: .uint16
        case .int16: .int16
        case .uint32: .uint32
        case .int32: .int32
        case .uint64: .uint64
        case .int64: .int64
        case .float32: .float32
        case .float64: .float64
        case .bool: .bool
        case .string: .string
        case .array: .array
        }
    }

    /// The value's bytes behind its type.
    var encoded: [UInt8] {
        switch self {
        case .uint8(let value): value.littleEndianBytes
        case .int8(let value): value.littleEndianBytes
        case .uint16(let value): value.littleEndianBytes
        case .int16(let value): value.littleEndianBytes
        case .uint32(let value): value.littleEndianBytes
        case .int32(let value): value.littleEndianBytes
        case .uint64(let value): value.littleEndianBytes
        case .int64(let value): value.littleEndianBytes
        case .float32(let value): value.bitPattern.littleEndianBytes
        case .float64(let value): value.bitPattern.littleEndianBytes
        case .bool(let value): [value ? 1 : 0]
        case .string(let value): Self.encoded(value)
        case .array(let type, let values): Self.encoded(type, values)
        }
    }

    /// A length and the text's UTF-8 bytes.
    static func encoded(_ text: String) -> [UInt8] {
        UInt64(text.utf8.count).littleEndianBytes + Array(text.utf8)
    }

    private static func encoded(_ type: GGUFValueType, _ values: [GGUFTypedValue]) -> [UInt8] {
        precondition(
            values.allSatisfy { $0.type == type },
            "an array of \(type) with values of other types"
        )
        let head = type.rawValue.littleEndianBytes + UInt64(values.count).littleEndianBytes
        return values.reduce(into: head) { $0 += $1.encoded }
    }
}

extension FixedWidthInteger {
    /// The bytes in the order that files have, least significant first.
    var littleEndianBytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * Self($0))) }
    }
}
