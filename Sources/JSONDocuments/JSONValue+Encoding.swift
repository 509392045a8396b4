extension JSONValue {
    /// The value as UTF-8 JSON text.
    ///
    /// - Parameter isIndented: two spaces a level and a final newline, for files that people read.
    public func encoded(isIndented: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes, indentation: isIndented ? 0 : nil)
        if isIndented { bytes.append(UInt8(ascii: "\n")) }
        return bytes
    }

    private func append(to bytes: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .integer(let value): bytes.append(contentsOf: String(value).utf8)
        case .number(let value):
            precondition(value.isFinite, "JSON has no number \(value)")
            bytes.append(contentsOf: value.description.utf8)
        case .string(let value): Self.append(value, to: &bytes)
        case .array(let elements):
            Self.appendList(elements, "[", "]", to: &bytes, indentation: indentation) {
                $1.append(to: &$0, indentation: $2)
            }
        case .object(let object):
            Self.appendList(object.members, "{", "}", to: &bytes, indentation: indentation) {
                Self.append($1.key, to: &$0)
                $0.append(contentsOf: ($2 == nil ? ":" : ": ").utf8)
                $1.value.append(to: &$0, indentation: $2)
            }
        }
    }

    private static func appendList<Item>(
        _ items: [Item],
        _ open: Unicode.Scalar,
        _ close: Unicode.Scalar,
        to bytes: inout [UInt8],
        indentation: Int?,
        appendItem: (inout [UInt8], Item, Int?) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        let inner = indentation.map { $0 + 2 }
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendNewline(to: &bytes, indentation: inner)
            appendItem(&bytes, item, inner)
        }
        if !items.isEmpty { appendNewline(to: &bytes, indentation: indentation) }
        bytes.append(UInt8(ascii: close))
    }

    private static func appendNewline(to bytes: inout [UInt8], indentation: Int?) {
        guard let indentation else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation))
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                bytes.append(contentsOf: ("\\u00" + (digits.count < 2 ? "0" : "") + digits).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
