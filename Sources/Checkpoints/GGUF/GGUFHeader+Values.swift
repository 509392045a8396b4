extension GGUFHeader {
    /// Reads a value behind its type.
    static func readValue(
        _ cursor: inout GGUFCursor,
        key: String
    ) throws(CheckpointError) -> GGUFValue {
        let type = try readType(&cursor, key: key)
        switch type {
        case .float32, .float64: return .float(try readFloat(&cursor, type, key: key))
        case .bool: return .bool(try readBool(&cursor, key: key))
        case .string: return .string(try readString(&cursor, key: key))
        case .array: return try readArray(&cursor, key: key, depth: 1)
        case .uint64:
            let value = try cursor.integer(UInt64.self, key)
            return Int64(exactly: value).map { .integer($0) } ?? .hugeInteger(value)
        case .uint8, .int8, .uint16, .int16, .uint32, .int32, .int64:
            return .integer(try readInteger(&cursor, type, key: key))
        }
    }

    private static func readType(
        _ cursor: inout GGUFCursor,
        key: String
    ) throws(CheckpointError) -> GGUFValueType {
        let code = try cursor.integer(UInt32.self, key)
        guard let type = GGUFValueType(rawValue: code) else {
            throw .invalidKey(
                path: cursor.file.path,
                key: key,
                problem: .wrongType(expected: "one of types 0 to 12", actual: "of type \(code)")
            )
        }
        return type
    }

    private static func readArray(
        _ cursor: inout GGUFCursor,
        key: String,
        depth: Int
    ) throws(CheckpointError) -> GGUFValue {
        let path = cursor.file.path
        let type = try readType(&cursor, key: key)
        let count = try cursor.arrayCount(key)
        // The product of two numbers below 2^22 and 2^4 can't overflow.
        try cursor.require(count * type.byteCountMin, key)
        switch type {
        case .array:
            guard depth < Limits.arrayDepth else {
                throw .limitExceeded(
                    path: path,
                    item: "the nesting of \(key)",
                    actual: UInt64(depth) + 1,
                    limit: UInt64(Limits.arrayDepth)
                )
            }
            for _ in 0..<count { _ = try readArray(&cursor, key: key, depth: depth + 1) }
            return .nested
        case .string:
            var strings: [String] = []
            strings.reserveCapacity(count)
            for _ in 0..<count { strings.append(try readString(&cursor, key: key)) }
            return .strings(strings)
        case .bool:
            var bools: [Bool] = []
            for _ in 0..<count { bools.append(try readBool(&cursor, key: key)) }
            return .bools(bools)
        case .float32, .float64:
            var floats: [Double] = []
            floats.reserveCapacity(count)
            for _ in 0..<count { floats.append(try readFloat(&cursor, type, key: key)) }
            return .floats(floats)
        case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64:
            var integers: [Int64] = []
            integers.reserveCapacity(count)
            for _ in 0..<count { integers.append(try readInteger(&cursor, type, key: key)) }
            return .integers(integers)
        }
    }

    private static func readInteger(
        _ cursor: inout GGUFCursor,
        _ type: GGUFValueType,
        key: String
    ) throws(CheckpointError) -> Int64 {
        switch type {
        case .uint8: return Int64(try cursor.integer(UInt8.self, key))
        case .int8: return Int64(try cursor.integer(Int8.self, key))
        case .uint16: return Int64(try cursor.integer(UInt16.self, key))
        case .int16: return Int64(try cursor.integer(Int16.self, key))
        case .uint32: return Int64(try cursor.integer(UInt32.self, key))
        case .int32: return Int64(try cursor.integer(Int32.self, key))
        case .int64: return try cursor.integer(Int64.self, key)
        case .uint64:
            let value = try cursor.integer(UInt64.self, key)
            guard let integer = Int64(exactly: value) else {
                throw .invalidKey(
                    path: cursor.file.path,
                    key: key,
                    problem: .outOfRange(value: "\(value)", expected: "below 2^63")
                )
            }
            return integer
        case .float32, .float64, .bool, .string, .array:
            preconditionFailure("\(type) is no integer type")
        }
    }

    private static func readFloat(
        _ cursor: inout GGUFCursor,
        _ type: GGUFValueType,
        key: String
    ) throws(CheckpointError) -> Double {
        type == .float32
            ? Double(Float(bitPattern: try cursor.integer(UInt32.self, key)))
            : Double(bitPattern: try cursor.integer(UInt64.self, key))
    }

    private static func readBool(
        _ cursor: inout GGUFCursor,
        key: String
    ) throws(CheckpointError) -> Bool {
        let byte = try cursor.integer(UInt8.self, key)
        guard byte <= 1 else {
            throw .invalidKey(
                path: cursor.file.path,
                key: key,
                problem: .outOfRange(value: "\(byte)", expected: "0 or 1")
            )
        }
        return byte == 1
    }

    private static func readString(
        _ cursor: inout GGUFCursor,
        key: String
    ) throws(CheckpointError) -> String {
        guard let text = try cursor.string(limit: Limits.stringByteCount, key) else {
            throw .invalidKey(path: cursor.file.path, key: key, problem: .notUTF8)
        }
        return text
    }
}
