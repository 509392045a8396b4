internal import NIOCore

/// Cuts a socket's bytes into records: two bytes of length, big-endian, then as many bytes.
///
/// Each byte is copied once, from the socket's buffer into its record, where it can then be
/// decrypted in place.
struct RecordReader {
    /// The first byte of a length whose second has not come.
    private var lengthPart: UInt8?
    private var expectedByteCount: Int?
    private var record: [UInt8] = []

    /// Whether no record has begun.
    var isAtBoundary: Bool { lengthPart == nil && expectedByteCount == nil }

    /// Takes the next complete record; `nil` once the buffer is used up.
    mutating func next(from buffer: inout ByteBuffer) -> [UInt8]? {
        while true {
            if let expected = expectedByteCount {
                let count = min(expected - record.count, buffer.readableBytes)
                record.append(contentsOf: buffer.readableBytesView.prefix(count))
                buffer.moveReaderIndex(forwardBy: count)
                guard record.count == expected else { return nil }
                expectedByteCount = nil
                defer { record = [] }
                return record
            }
            guard let byte = buffer.readInteger(as: UInt8.self) else { return nil }
            if let first = lengthPart {
                lengthPart = nil
                let count = Int(first) << 8 | Int(byte)
                expectedByteCount = count
                record.reserveCapacity(count)
            } else {
                lengthPart = byte
            }
        }
    }
}
