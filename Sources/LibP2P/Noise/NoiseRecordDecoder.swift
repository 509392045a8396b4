/// Turns the bytes of a connection into plaintext, record by record.
///
/// It holds at most one unfinished record besides what was appended and not yet asked for.
public struct NoiseRecordDecoder {
    private let cipher: NoiseReceiveCipher
    private var buffer: [UInt8] = []
    private var start = 0

    /// Decrypts with the cipher of a finished handshake.
    public init(cipher: NoiseReceiveCipher) {
        self.cipher = cipher
    }

    /// Whether the stream may end here; bytes of a record that never came whole are a truncation.
    public var isAtRecordEnd: Bool { start == buffer.count }

    /// Adds bytes of the connection.
    public mutating func append(_ bytes: [UInt8]) {
        if start > 0 && start >= buffer.count - start {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// The plaintext of the next whole record, or nil until more bytes come.
    ///
    /// It may be empty.
    ///
    /// - Throws: the errors of `NoiseReceiveCipher`; the connection must be closed.
    public mutating func next() throws(LibP2PError) -> [UInt8]? {
        guard buffer.count - start >= NoiseRecord.lengthByteCount else { return nil }
        let length = Int(buffer[start]) << 8 | Int(buffer[start + 1])
        let begin = start + NoiseRecord.lengthByteCount
        guard length >= NoiseRecord.tagByteCount else {
            // Too short for a tag: the cipher fails, and with it all that follows.
            return try cipher.open([])
        }
        guard buffer.count - begin >= length else { return nil }
        start = begin + length
        return try cipher.open(Array(buffer[begin..<start]))
    }
}
