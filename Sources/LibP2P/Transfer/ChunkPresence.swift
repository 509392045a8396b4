/// Which chunks of an object somebody holds.
public struct ChunkPresence: Hashable, Sendable {
    /// The number of chunks of the object.
    public let count: Int

    /// The number of chunks that are held.
    public private(set) var presentCount: Int

    private var words: [UInt64]

    /// No chunk of an object with so many chunks is held; at most
    /// ``TransferProtocol/chunkCountMax``, or every one if `isComplete`.
    public init(count: Int, isComplete: Bool = false) {
        precondition(
            (0...TransferProtocol.chunkCountMax).contains(count),
            "\(count) chunks; an object has at most \(TransferProtocol.chunkCountMax)")
        self.count = count
        presentCount = isComplete ? count : 0
        words = Array(repeating: 0, count: (count + 63) / 64)
        guard isComplete else { return }
        for index in words.indices {
            let bitCount = min(64, count - index * 64)
            words[index] = UInt64.max >> UInt64(64 - bitCount)
        }
    }

    /// Reads a bitmap, least significant bit first; nil if its length is not that of `count` bits,
    /// a bit past the end is set, or there are more chunks than an object can have.
    public init?(bitmap: [UInt8], count: Int) {
        guard (0...TransferProtocol.chunkCountMax).contains(count),
            bitmap.count == (count + 7) / 8
        else { return nil }
        self.init(count: count)
        for (index, byte) in bitmap.enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(index % 8 * 8)
        }
        if let last = words.last, count % 64 != 0, last >> UInt64(count % 64) != 0 { return nil }
        presentCount = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// The bitmap, least significant bit first.
    public var bitmap: [UInt8] {
        (0..<(count + 7) / 8).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> ($0 % 8 * 8)) }
    }

    /// Whether every chunk is held.
    public var isComplete: Bool { presentCount == count }

    /// Whether this chunk is held; false for a chunk that the object does not have.
    public func contains(_ index: Int) -> Bool {
        guard (0..<count).contains(index) else { return false }
        return words[index / 64] >> UInt64(index % 64) & 1 == 1
    }

    /// Notes that a chunk of the object is held.
    public mutating func insert(_ index: Int) {
        precondition((0..<count).contains(index), "chunk \(index) of \(count)")
        guard !contains(index) else { return }
        words[index / 64] |= 1 << UInt64(index % 64)
        presentCount += 1
    }

    /// Notes that a chunk of the object is not held.
    public mutating func remove(_ index: Int) {
        precondition((0..<count).contains(index), "chunk \(index) of \(count)")
        guard contains(index) else { return }
        words[index / 64] &= ~(1 << UInt64(index % 64))
        presentCount -= 1
    }

    /// The chunks that are not held, ascending.
    public var missing: [Int] {
        (0..<count).filter { !contains($0) }
    }
}
