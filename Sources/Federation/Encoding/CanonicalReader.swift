public import Cryptography

/// Why canonical bytes could not be read.
public enum CanonicalError: Error, Hashable, Sendable {
    /// The bytes end inside a field.
    case truncated(offset: Int)
    /// Bytes are left after the last field.
    case trailingBytes(count: Int)
    /// The bytes do not start with the expected domain.
    case wrongDomain
    /// A length or count is above its bound.
    case tooLong(offset: Int, count: Int, allowed: Int)
    /// A value that no writer makes: an unknown number, unsorted or doubled keys, bad UTF-8.
    case malformed(offset: Int)
}

/// Reads what ``CanonicalWriter`` writes; every read is bounded and nothing traps.
public struct CanonicalReader {
    private let bytes: [UInt8]
    /// Where the next read begins.
    public private(set) var offset = 0

    /// Starts at the first byte.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Starts after the domain that the bytes must begin with.
    public init(_ bytes: [UInt8], domain: StaticString) throws(CanonicalError) {
        self.bytes = bytes
        let expected = Array(domain.description.utf8) + [0]
        guard bytes.starts(with: expected) else { throw .wrongDomain }
        offset = expected.count
    }

    /// The bytes that are left.
    public var remainingCount: Int { bytes.count - offset }

    /// An integer, high byte first.
    public mutating func read<Value: FixedWidthInteger & UnsignedInteger>(
        _ type: Value.Type = Value.self
    ) throws(CanonicalError) -> Value {
        let count = Value.bitWidth / 8
        guard remainingCount >= count else { throw .truncated(offset: offset) }
        var value: Value = 0
        for byte in bytes[offset..<offset + count] {
            value = value << 8 | Value(byte)
        }
        offset += count
        return value
    }

    /// An integer, low byte first.
    public mutating func readLittleEndian<Value: FixedWidthInteger & UnsignedInteger>(
        _ type: Value.Type = Value.self
    ) throws(CanonicalError) -> Value {
        try read(Value.self).byteSwapped
    }

    /// A float from its bit pattern.
    public mutating func readDouble() throws(CanonicalError) -> Double {
        Double(bitPattern: try read(UInt64.self))
    }

    /// A byte that is 0 or 1.
    public mutating func readBool() throws(CanonicalError) -> Bool {
        switch try read(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .malformed(offset: offset - 1)
        }
    }

    /// A count of items that each take at least `itemByteCount` bytes, so that no allocation is
    /// larger than what was sent.
    public mutating func readCount(
        max: Int, itemByteCount: Int = 1
    ) throws(CanonicalError) -> Int {
        let start = offset
        let count = Int(try read(UInt32.self))
        guard count <= max else { throw .tooLong(offset: start, count: count, allowed: max) }
        guard count <= remainingCount / Swift.max(itemByteCount, 1) else {
            throw .truncated(offset: start)
        }
        return count
    }

    /// So many bytes.
    public mutating func read(rawCount count: Int) throws(CanonicalError) -> [UInt8] {
        guard count >= 0, remainingCount >= count else { throw .truncated(offset: offset) }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    /// Passes over so many bytes.
    mutating func skip(rawCount count: Int) throws(CanonicalError) {
        guard count >= 0, remainingCount >= count else { throw .truncated(offset: offset) }
        offset += count
    }

    /// Bytes behind their count.
    public mutating func readPrefixed(max: Int) throws(CanonicalError) -> [UInt8] {
        try read(rawCount: readCount(max: max))
    }

    /// UTF-8 behind its count.
    public mutating func readText(max: Int) throws(CanonicalError) -> String {
        let start = offset
        let raw = try readPrefixed(max: max)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .malformed(offset: start)
        }
        return text
    }

    /// A digest of 32 bytes.
    public mutating func readDigest() throws(CanonicalError) -> Digest {
        guard let digest = Digest(bytes: try read(rawCount: Digest.byteCount)) else {
            throw .truncated(offset: offset)
        }
        return digest
    }

    /// A key of 32 bytes.
    public mutating func readKey() throws(CanonicalError) -> PublicKey {
        guard let key = PublicKey(bytes: try read(rawCount: PublicKey.byteCount)) else {
            throw .truncated(offset: offset)
        }
        return key
    }

    /// A signature of 64 bytes.
    public mutating func readSignature() throws(CanonicalError) -> [UInt8] {
        try read(rawCount: PublicKey.signatureByteCount)
    }

    /// Nothing may be left: with it, equal meanings have equal bytes.
    public func finish() throws(CanonicalError) {
        guard remainingCount == 0 else { throw .trailingBytes(count: remainingCount) }
    }
}
