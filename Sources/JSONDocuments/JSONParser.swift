extension JSONValue {
    /// Reads one JSON document.
    ///
    /// Stricter than most readers: a repeated key, a lone surrogate, a number beyond `Double` and
    /// anything after the value are errors.
    ///
    /// - Throws: what is wrong and at which byte.
    /// Source: RFC 8259.
    public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        guard bytes.count <= limits.byteCountMax else {
            throw .tooLong(byteCount: bytes.count, byteCountMax: limits.byteCountMax)
        }
        var parser = JSONParser(bytes: bytes, limits: limits)
        self = try parser.parseDocument()
    }
}

/// A recursive-descent reader whose depth is bounded by its limits.
struct JSONParser {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private var offset = 0
    private var valueCount = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        let value = try parseValue(depth: 0)
        skipSpace()
        if offset < bytes.count {
            throw .unexpectedByte(bytes[offset], offset: offset)
        }
        return value
    }

    private mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        valueCount += 1
        guard valueCount <= limits.valueCountMax else {
            throw .tooManyValues(offset: offset, valueCountMax: limits.valueCountMax)
        }
        let byte = try peek()
        switch byte {
        case UInt8(ascii: "{"):
            try checkDepth(depth)
            return .object(try parseObject(depth: depth + 1))
        case UInt8(ascii: "["):
            try checkDepth(depth)
            return .array(try parseArray(depth: depth + 1))
        case UInt8(ascii: "\""):
            return .string(try parseString())
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try parseNumber()
        default:
            throw .unexpectedByte(byte, offset: offset)
        }
    }

    private func checkDepth(_ depth: Int) throws(JSONError) {
        guard depth < limits.depthMax else {
            throw .tooDeep(offset: offset, depthMax: limits.depthMax)
        }
    }

    private mutating func parseArray(depth: Int) throws(JSONError) -> [JSONValue] {
        offset += 1
        var elements: [JSONValue] = []
        skipSpace()
        if try peek() == UInt8(ascii: "]") {
            offset += 1
            return elements
        }
        while true {
            elements.append(try parseValue(depth: depth))
            if try atEnd(closing: UInt8(ascii: "]")) { return elements }
        }
    }

    private mutating func parseObject(depth: Int) throws(JSONError) -> JSONObject {
        offset += 1
        var members: [JSONObject.Member] = []
        var seen = SeenKeys()
        skipSpace()
        if try peek() == UInt8(ascii: "}") {
            offset += 1
            return JSONObject(members)
        }
        while true {
            skipSpace()
            let start = offset
            guard try peek() == UInt8(ascii: "\"") else {
                throw .unexpectedByte(bytes[offset], offset: offset)
            }
            let key = try parseString()
            guard seen.insert(key, members: members) else {
                throw .duplicateKey(key, offset: start)
            }
            skipSpace()
            try expect(":")
            members.append(.init(key: key, value: try parseValue(depth: depth)))
            if try atEnd(closing: UInt8(ascii: "}")) { return JSONObject(members) }
        }
    }

    /// Whether the closing byte comes next; a comma means that it doesn't.
    private mutating func atEnd(closing: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        let byte = try peek()
        guard byte == closing || byte == UInt8(ascii: ",") else {
            throw .unexpectedByte(byte, offset: offset)
        }
        offset += 1
        return byte == closing
    }

    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = offset
        var isWhole = true
        if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        let firstDigit = offset
        guard skipDigits() > 0 else { throw .invalidNumber(offset: start) }
        if bytes[firstDigit] == UInt8(ascii: "0"), offset - firstDigit > 1 {
            throw .invalidNumber(offset: start)
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            isWhole = false
            offset += 1
            guard skipDigits() > 0 else { throw .invalidNumber(offset: start) }
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            offset += 1
            if offset < bytes.count,
                bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-")
            {
                offset += 1
            }
            guard skipDigits() > 0 else { throw .invalidNumber(offset: start) }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isWhole, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw .invalidNumber(offset: start)
        }
        return .number(number)
    }

    private mutating func skipDigits() -> Int {
        let start = offset
        while offset < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[offset])
        {
            offset += 1
        }
        return offset - start
    }

    private mutating func parseString() throws(JSONError) -> String {
        let start = offset
        offset += 1
        let contentStart = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "\""),
            bytes[offset] != UInt8(ascii: "\\"), bytes[offset] >= 0x20
        {
            offset += 1
        }
        if try peek() == UInt8(ascii: "\"") {
            let slice = bytes[contentStart..<offset]
            offset += 1
            guard let text = String(validating: slice, as: UTF8.self) else {
                throw .invalidString(offset: start)
            }
            return text
        }
        var content = Array(bytes[contentStart..<offset])
        while true {
            let byte = try peek()
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw .invalidString(offset: start)
                }
                return text
            case UInt8(ascii: "\\"):
                content.append(contentsOf: String(try parseEscape()).utf8)
            case 0..<0x20:
                throw .invalidString(offset: start)
            default:
                content.append(byte)
            }
        }
    }

    private mutating func parseEscape() throws(JSONError) -> Character {
        let byte = try peek()
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Character(try parseUnicodeEscape())
        default: throw .invalidString(offset: offset - 1)
        }
    }

    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let start = offset
        let unit = try parseHexadecimalUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, try peek() == UInt8(ascii: "\\") else {
            throw .invalidString(offset: start)
        }
        offset += 1
        guard try peek() == UInt8(ascii: "u") else { throw .invalidString(offset: start) }
        offset += 1
        let low = try parseHexadecimalUnit()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        else { throw .invalidString(offset: start) }
        return scalar
    }

    private mutating func parseHexadecimalUnit() throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let byte = try peek()
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw .invalidString(offset: offset)
            }
            unit = unit << 4 | UInt32(digit)
            offset += 1
        }
        return unit
    }

    private mutating func expect(_ word: StaticString) throws(JSONError) {
        for expected in word.description.utf8 {
            let byte = try peek()
            guard byte == expected else { throw .unexpectedByte(byte, offset: offset) }
            offset += 1
        }
    }

    private func peek() throws(JSONError) -> UInt8 {
        guard offset < bytes.count else { throw .truncated(offset: offset) }
        return bytes[offset]
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return
            }
        }
    }
}
