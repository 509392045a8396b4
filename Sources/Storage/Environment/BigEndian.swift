/// Integers as keys: big-endian, so that their order is that of the bytes.
enum BigEndian {
    static func bytes(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
        stride(from: value.bitWidth - 8, through: 0, by: -8).map {
            UInt8(truncatingIfNeeded: value >> $0)
        }
    }

    /// The value of exactly as many bytes as the type has; nil for any other count.
    static func value<Value: FixedWidthInteger & UnsignedInteger>(
        _ bytes: some Collection<UInt8>, as type: Value.Type = Value.self
    ) -> Value? {
        guard bytes.count == Value.bitWidth / 8 else { return nil }
        return bytes.reduce(0) { $0 << 8 | Value($1) }
    }
}
