/// What the patterns of pre-tokenizers ask of a character.
enum ScalarClass: UInt8 {
    /// General categories L*.
    case letter
    /// General categories N*: digits, but also Ⅷ and ½.
    case number
    /// `\r` and `\n`; they are white space too.
    case newline
    /// All other scalars with the property White_Space, which is what `\s` means in the
    /// patterns: U+0085 and U+00A0 are, U+200B and U+180E are not.
    case space
    /// Everything else, marks among them.
    case other

    var isSpace: Bool { self == .space || self == .newline }

    private static let ascii: [ScalarClass] = (0..<128).map { of(Unicode.Scalar(UInt8($0))) }

    /// The class of the scalar at an offset of valid UTF-8, and its length in bytes.
    static func at(_ offset: Int, in bytes: [UInt8]) -> (scalarClass: ScalarClass, length: Int) {
        let first = bytes[offset]
        if first < 0x80 { return (ascii[Int(first)], 1) }
        return (of(scalar(at: offset, in: bytes)), length(from: first))
    }

    /// The length in bytes of a scalar whose UTF-8 begins with a byte.
    static func length(from first: UInt8) -> Int {
        first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    }

    /// The scalar at an offset of valid UTF-8.
    static func scalar(at offset: Int, in bytes: [UInt8]) -> Unicode.Scalar {
        let first = bytes[offset]
        func low(_ distance: Int) -> UInt32 { UInt32(bytes[offset + distance] & 0x3F) }
        let value: UInt32 =
            switch length(from: first) {
            case 1: UInt32(first)
            case 2: UInt32(first & 0x1F) << 6 | low(1)
            case 3: UInt32(first & 0x0F) << 12 | low(1) << 6 | low(2)
            default: UInt32(first & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3)
            }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    private static func of(_ scalar: Unicode.Scalar) -> ScalarClass {
        if scalar == "\n" || scalar == "\r" { return .newline }
        if scalar.properties.isWhitespace { return .space }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            return .letter
        case .decimalNumber, .letterNumber, .otherNumber:
            return .number
        default:
            return .other
        }
    }
}
