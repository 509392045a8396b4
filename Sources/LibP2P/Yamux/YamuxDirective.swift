/// What a session tells its owner.
public enum YamuxDirective: Hashable, Sendable {
    /// The peer opened a stream; it is accepted.
    case opened(YamuxStreamID)
    /// Bytes of a stream, in order; they share the storage of what was received.
    case data(YamuxStreamID, ArraySlice<UInt8>)
    /// The peer ended its direction after all of its data.
    case finished(YamuxStreamID)
    /// The stream is gone, both directions: reset by the peer, or refused by it.
    case reset(YamuxStreamID)
    /// The session is over once what `nextFrame` still returns is sent. Nothing follows.
    case failed(YamuxError)
}
