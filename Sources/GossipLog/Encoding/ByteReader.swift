/// Takes big-endian integers and bytes off the front, or nil where too few are left.
struct ByteReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var remainingCount: Int { bytes.count - offset }

    mutating func read(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remainingCount else { return nil }
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    mutating func readUInt8() -> UInt8? {
        read(1)?.first
    }

    mutating func readUInt16() -> UInt16? {
        read(2).map { $0.reduce(0) { $0 << 8 | UInt16($1) } }
    }

    mutating func readUInt64() -> UInt64? {
        read(8).map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
    }
}
