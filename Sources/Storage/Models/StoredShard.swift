/// How a shard lies in its table, so that its bytes can be used where they are.
///
/// A value of more than about half a page lies alone on *overflow pages*: it begins 16 bytes behind
/// a page boundary, and the pages of a map begin at multiples of 4096. A head of 48 bytes therefore
/// puts the first byte of the shard at a multiple of 64, the length of a cache line and of an
/// AVX-512 register. Small shards are filled up with zeros so that they, too, lie on pages of
/// their own.
enum StoredShard {
    static let headByteCount = 48
    /// More than LMDB keeps inside a tree page of 4096 bytes, whatever the key.
    static let valueByteCountMin = 2048
    /// Where the first byte of a shard lies, as a multiple.
    static let alignment = 64

    private static let magic = Array("starling/shard/1".utf8)

    static func valueByteCount(of byteCount: Int) -> Int {
        max(headByteCount + byteCount, valueByteCountMin)
    }

    /// Writes head and zeros, and returns the room of the bytes.
    static func prepare(
        _ value: UnsafeMutableRawBufferPointer, byteCount: Int
    ) -> UnsafeMutableRawBufferPointer {
        precondition(value.count == valueByteCount(of: byteCount), "\(value.count) bytes")
        let head = magic + BigEndian.bytes(UInt64(byteCount))
        let end = headByteCount + byteCount
        unsafe clear(value, headByteCount: headByteCount, from: end)
        unsafe value.copyBytes(from: head)
        return unsafe UnsafeMutableRawBufferPointer(rebasing: value[headByteCount..<end])
    }

    /// Zeros the head and what lies behind the shard; LMDB does not clear the room it reserves.
    private static func clear(
        _ value: UnsafeMutableRawBufferPointer, headByteCount: Int, from end: Int
    ) {
        for range in [0..<headByteCount, end..<value.count] {
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: value[range])
            unsafe part.initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    /// The shard's bytes in the value; nil if the head is damaged or they lie askew.
    static func bytes(in value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let lengthEnd = magic.count + 8
        guard value.count >= headByteCount, unsafe value.starts(with: magic),
            let length: UInt64 = unsafe BigEndian.value(value[magic.count..<lengthEnd]),
            let byteCount = Int(exactly: length), byteCount <= value.count - headByteCount,
            value.count == valueByteCount(of: byteCount)
        else { return nil }
        let bytes = unsafe UnsafeRawBufferPointer(
            rebasing: value[headByteCount..<(headByteCount + byteCount)]
        )
        guard Int(bitPattern: bytes.baseAddress) % alignment == 0 else { return nil }
        return unsafe bytes
    }
}
