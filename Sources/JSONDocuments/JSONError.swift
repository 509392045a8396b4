/// Why bytes are not a JSON document that may be read; offsets count bytes from the start.
public enum JSONError: Error, Hashable, Sendable {
    /// The document is longer than its reader allows.
    case tooLong(byteCount: Int, byteCountMax: Int)
    /// Arrays and objects lie deeper in each other than the reader allows.
    case tooDeep(offset: Int, depthMax: Int)
    /// The document holds more values than the reader allows.
    case tooManyValues(offset: Int, valueCountMax: Int)
    /// The bytes end in the middle of a value.
    case truncated(offset: Int)
    /// A byte that no JSON text has at this place.
    case unexpectedByte(UInt8, offset: Int)
    /// A number that JSON's grammar or a `Double` doesn't hold.
    case invalidNumber(offset: Int)
    /// A string with an unknown escape, a lone surrogate or bytes that are not UTF-8.
    case invalidString(offset: Int)
    /// An object names one key twice; which value counts is anyone's guess.
    case duplicateKey(String, offset: Int)
}

extension JSONError: CustomStringConvertible {
    /// One clause that says what is wrong and where.
    public var description: String {
        switch self {
        case .tooLong(let byteCount, let max):
            "\(byteCount) bytes, of which at most \(max) are read"
        case .tooDeep(let offset, let max): "nested more than \(max) deep at byte \(offset)"
        case .tooManyValues(let offset, let max): "more than \(max) values at byte \(offset)"
        case .truncated(let offset): "it ends within a value at byte \(offset)"
        case .unexpectedByte(let byte, let offset): "unexpected byte \(byte) at byte \(offset)"
        case .invalidNumber(let offset): "no valid number at byte \(offset)"
        case .invalidString(let offset): "no valid string at byte \(offset)"
        case .duplicateKey(let key, let offset): "the key \"\(key)\" occurs again at byte \(offset)"
        }
    }
}
