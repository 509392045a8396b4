/// Collects the messages of one identify stream until the sender closes it.
public struct IdentifyReceiverInstance: Sendable {
    private var decoder = LengthPrefixedDecoder(byteCountMax: IdentifyMessage.byteCountMax)
    private var frames: [[UInt8]] = []

    /// Starts with nothing.
    public init() {}

    /// Takes bytes that were read.
    ///
    /// - Throws: `tooLarge`, `tooMany`, `notMinimal`, `malformed`: reset the stream.
    public mutating func receive(_ bytes: [UInt8]) throws(LibP2PError) {
        decoder.append(bytes)
        while let frame = try decoder.next() {
            guard frames.count < IdentifyMessage.frameCountMax else {
                throw .tooMany(.identify, countMax: IdentifyMessage.frameCountMax)
            }
            frames.append(frame)
        }
    }

    /// The message, once the sender has closed its side.
    ///
    /// - Throws: `truncated` where a message never came whole or none came at all;
    ///   `malformed(.identify)`.
    public func finish() throws(LibP2PError) -> IdentifyMessage {
        guard decoder.pendingByteCount == 0, !frames.isEmpty else { throw .truncated(.identify) }
        return try IdentifyMessage.decode(frames: frames)
    }
}
