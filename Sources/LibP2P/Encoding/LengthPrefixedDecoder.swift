/// Cuts a byte stream into messages that are preceded by their length.
///
/// A length above the bound is refused before anything is kept for it; between calls the decoder
/// holds no more than one unfinished message and what was appended after it.
public struct LengthPrefixedDecoder: Sendable {
    /// The greatest message that is taken.
    public let byteCountMax: Int
    private var buffer: [UInt8] = []
    private var start = 0

    /// Makes a decoder for messages of at most `byteCountMax` bytes.
    public init(byteCountMax: Int) {
        precondition(byteCountMax >= 0, "a bound of \(byteCountMax) bytes")
        self.byteCountMax = byteCountMax
    }

    /// The message with its length in front.
    public static func encode(_ message: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(message.count + 5)
        UVarint.append(UInt64(message.count), to: &output)
        output.append(contentsOf: message)
        return output
    }

    /// Adds bytes of the stream.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 0 && start >= buffer.count - start {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next complete message, or nil until more bytes come.
    ///
    /// - Throws: `tooLarge`, `notMinimal` or `malformed`; the stream is then of no more use.
    public mutating func next() throws(LibP2PError) -> [UInt8]? {
        guard let (length, prefixCount) = try UVarint.decode(buffer[start...]) else { return nil }
        guard length <= UInt64(byteCountMax) else {
            throw .tooLarge(
                .lengthPrefix,
                byteCount: Int(clamping: length),
                byteCountMax: byteCountMax
            )
        }
        let begin = start + prefixCount
        let end = begin + Int(length)
        guard end <= buffer.count else { return nil }
        start = end
        return Array(buffer[begin..<end])
    }

    /// How many bytes wait for the rest of their message.
    public var pendingByteCount: Int { buffer.count - start }

    /// Takes out the bytes that no message has used, for whoever reads the stream next.
    public mutating func takeRemainder() -> [UInt8] {
        let rest = Array(buffer[start...])
        buffer = []
        start = 0
        return rest
    }
}
