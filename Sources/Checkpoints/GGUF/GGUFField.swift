/// A metadata key of a GGUF file with its value as the file has it.
public struct GGUFField: Hashable, Sendable {
    /// The key, as in `general.architecture`.
    public let key: String
    /// The value's type code and the value.
    let bytes: [UInt8]

    /// Pairs a key with a value.
    public init(_ key: String, _ value: GGUFTypedValue) {
        self.init(key: key, bytes: value.type.rawValue.littleEndianBytes + value.encoded)
    }

    /// Takes over the bytes of a field that was read.
    init(key: String, bytes: [UInt8]) {
        self.key = key
        self.bytes = bytes
    }

    /// Key and value as the file has them.
    var encoded: [UInt8] { GGUFTypedValue.encoded(key) + bytes }
}
