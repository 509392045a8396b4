internal import Tensors

extension CanonicalWriter {
    /// The words one after another, low byte first, as CPUs and tensor files hold them.
    mutating func write(littleEndianWords words: [UInt32]) {
        var block: [UInt8] = []
        block.reserveCapacity(4 * words.count)
        for word in words {
            block.append(UInt8(truncatingIfNeeded: word))
            block.append(UInt8(truncatingIfNeeded: word >> 8))
            block.append(UInt8(truncatingIfNeeded: word >> 16))
            block.append(UInt8(truncatingIfNeeded: word >> 24))
        }
        write(raw: block)
    }
}

extension CanonicalReader {
    mutating func readShape(rankMax: Int) throws(CanonicalError) -> Shape {
        let start = offset
        var extents: [Int] = []
        for _ in 0..<(try readCount(max: rankMax, itemByteCount: 4)) {
            extents.append(Int(try read(UInt32.self)))
        }
        guard let shape = Shape(checking: extents) else { throw .malformed(offset: start) }
        return shape
    }

    mutating func readLittleEndianWords(count: Int) throws(CanonicalError) -> [UInt32] {
        let start = offset
        guard count <= remainingCount / 4 else { throw .truncated(offset: start) }
        let raw = try read(rawCount: 4 * count)
        var words: [UInt32] = []
        words.reserveCapacity(count)
        var index = 0
        while index < raw.count {
            words.append(
                UInt32(raw[index]) | UInt32(raw[index + 1]) << 8
                    | UInt32(raw[index + 2]) << 16 | UInt32(raw[index + 3]) << 24)
            index += 4
        }
        return words
    }
}
