/// How a session failed, or why it refused a request of this node.
public enum YamuxError: Error, Hashable, Sendable {
    /// The first byte of a header is not 0.
    case unsupportedVersion(UInt8)
    /// A header names a kind that does not exist.
    case unknownFrameKind(UInt8)
    /// A stream's frame on id 0, a session's frame on another id, or an open of the wrong parity.
    case invalidStreamID(YamuxStreamID)
    /// An open of a stream that is open already.
    case streamOpenedTwice(YamuxStreamID)
    /// A body longer than any frame may have.
    case bodyTooLong(byteCount: Int, limit: Int)
    /// More data than the stream's window allows.
    case windowExceeded(streamID: YamuxStreamID, byteCount: Int, window: Int)
    /// Credit beyond what 32 bits can express.
    case creditOverflow(streamID: YamuxStreamID)
    /// More answers are due than the session is willing to queue.
    case controlQueueOverflow(limit: Int)
    /// The peer went on opening streams after many refusals.
    case openRateExceeded(refusalCount: Int)
    /// The peer went on sending frames that move nothing.
    case idleFramesExceeded(perSecond: Int)
    /// A ping was not answered in time.
    case keepAliveTimeout(after: Duration)
    /// The peer ended the session; code 0 is a normal end.
    case remoteGoAway(code: UInt32)
    /// The session has ended, or is about to: no new streams.
    case sessionEnding
    /// The peer has not acknowledged the last opens yet.
    case tooManyUnacknowledged(limit: Int)
    /// All 2^31 stream ids of this side have been used.
    case streamIDsExhausted
    /// The stream does not exist, or its own direction has ended.
    case streamEnded(YamuxStreamID)
}

/// Why a session refused a stream that the peer opened.
public enum YamuxRefusal: String, Hashable, Sendable, CaseIterable {
    /// The peer opens streams faster than is allowed.
    case openRate
    /// The peer has too many streams open.
    case streamCount
    /// The owner of the session takes no streams, for want of memory.
    case noMemory
    /// The session is about to end.
    case ending
}
