/// Bytes in the chunks in which they came, with short chunks joined.
///
/// Long chunks are kept without a copy. Short ones are joined, so that the memory is bounded by
/// a small multiple of `byteCount` however the other side cuts its bytes.
public struct ByteQueue: Sendable {
    /// Chunks below this are copied into their predecessor where it has room.
    static let shortByteCount = 4_096
    /// The greatest chunk that joining makes.
    static let joinedByteCountMax = 16_384

    private var chunks: [ArraySlice<UInt8>] = []
    private var head = 0
    /// The bytes in the queue.
    public private(set) var byteCount = 0

    /// An empty queue.
    public init() {}

    /// Whether there are no bytes.
    public var isEmpty: Bool { byteCount == 0 }

    /// Adds bytes at the end.
    public mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        byteCount += bytes.count
        if bytes.count < Self.shortByteCount {
            if head < chunks.count,
                chunks[chunks.count - 1].count + bytes.count <= Self.joinedByteCountMax
            {
                chunks[chunks.count - 1].append(contentsOf: bytes)
            } else {
                chunks.append(ArraySlice(Array(bytes)))
            }
        } else {
            chunks.append(bytes)
        }
    }

    /// Takes bytes from the front: at most `max`, and no more than the first chunk has.
    public mutating func popFirst(max: Int) -> ArraySlice<UInt8>? {
        precondition(max > 0, "asked for \(max) bytes")
        guard head < chunks.count else { return nil }
        let front: ArraySlice<UInt8>
        if chunks[head].count <= max {
            front = chunks[head]
            chunks[head] = []
            head += 1
            if head == chunks.count {
                chunks.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 32, head * 2 >= chunks.count {
                chunks.removeFirst(head)
                head = 0
            }
        } else {
            front = chunks[head].prefix(max)
            chunks[head] = chunks[head].dropFirst(max)
        }
        byteCount -= front.count
        return front
    }

    /// Drops all bytes.
    public mutating func removeAll() {
        self = ByteQueue()
    }
}
