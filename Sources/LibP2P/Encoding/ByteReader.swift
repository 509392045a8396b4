/// Reads numbers and runs of bytes from the front of an array; every read checks the bounds.
struct ByteReader {
    private var rest: ArraySlice<UInt8>
    /// What a complaint is about.
    private let structure: LibP2PError.Structure

    init(_ bytes: [UInt8], reading structure: LibP2PError.Structure) {
        rest = bytes[...]
        self.structure = structure
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// What is left, as an array of its own.
    var remainder: [UInt8] { Array(rest) }

    mutating func uvarint() throws(LibP2PError) -> UInt64 {
        guard let (value, count) = try UVarint.decode(rest) else { throw .truncated(structure) }
        rest.removeFirst(count)
        return value
    }

    mutating func bytes(_ count: Int) throws(LibP2PError) -> [UInt8] {
        guard count >= 0, count <= rest.count else { throw .truncated(structure) }
        let output = Array(rest.prefix(count))
        rest.removeFirst(count)
        return output
    }

    /// A length, then as many bytes.
    mutating func lengthPrefixed() throws(LibP2PError) -> [UInt8] {
        let count = try uvarint()
        guard count <= UInt64(rest.count) else { throw .truncated(structure) }
        return try bytes(Int(count))
    }
}
