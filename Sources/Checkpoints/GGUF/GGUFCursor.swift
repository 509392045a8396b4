/// Reads a GGUF header from its start; no read goes beyond the end of the file.
struct GGUFCursor {
    let file: MappedFile
    private(set) var offset = 0
    private var elementCount = 0

    /// All arrays together; the largest vocabularies with their merges and scores have a million
    /// elements.
    static let elementCountMax = 4 << 20
    /// The header as a whole; the largest in use have some ten megabytes.
    static let headerByteCountMax = 256 << 20

    init(_ file: MappedFile) {
        self.file = file
    }

    var remainingByteCount: Int { file.byteCount - offset }

    mutating func integer<Integer: FixedWidthInteger>(
        _ type: Integer.Type,
        _ item: @autoclosure () -> String
    ) throws(CheckpointError) -> Integer {
        let size = MemoryLayout<Integer>.size
        guard remainingByteCount >= size else {
            throw .truncated(
                path: file.path,
                item: item(),
                offset: offset,
                neededByteCount: UInt64(size)
            )
        }
        let value = file.integer(at: offset, as: type)
        offset += size
        return value
    }

    /// A count or length as the file has it, held against a limit.
    mutating func count(
        limit: Int,
        _ item: @autoclosure () -> String
    ) throws(CheckpointError) -> Int {
        let value = try integer(UInt64.self, item())
        guard value <= UInt64(limit) else {
            throw .limitExceeded(
                path: file.path,
                item: item(),
                actual: value,
                limit: UInt64(limit)
            )
        }
        return Int(value)
    }

    /// A string; `nil` if its bytes are not UTF-8.
    mutating func string(
        limit: Int,
        _ item: @autoclosure () -> String
    ) throws(CheckpointError) -> String? {
        let byteCount = try count(limit: limit, "the length of " + item())
        try require(byteCount, item())
        let bytes = try file.bytes(in: offset..<(offset + byteCount), isUnchanged: true)
        offset += byteCount
        guard offset <= Self.headerByteCountMax else {
            throw .limitExceeded(
                path: file.path,
                item: "the header's length",
                actual: UInt64(offset),
                limit: UInt64(Self.headerByteCountMax)
            )
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The length of an array, held against what all arrays together may have.
    mutating func arrayCount(_ key: String) throws(CheckpointError) -> Int {
        let count = try count(limit: Self.elementCountMax, "the length of \(key)")
        elementCount += count
        guard elementCount <= Self.elementCountMax else {
            throw .limitExceeded(
                path: file.path,
                item: "the length of all arrays up to \(key)",
                actual: UInt64(elementCount),
                limit: UInt64(Self.elementCountMax)
            )
        }
        return count
    }

    /// Fails unless so many bytes are left.
    func require(
        _ byteCount: Int,
        _ item: @autoclosure () -> String
    ) throws(CheckpointError) {
        guard byteCount <= remainingByteCount else {
            throw .truncated(
                path: file.path,
                item: item(),
                offset: offset,
                neededByteCount: UInt64(byteCount)
            )
        }
    }
}
