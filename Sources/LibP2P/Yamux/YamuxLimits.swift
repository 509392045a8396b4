/// The bounds and times of a session.
///
/// Source: network specification, sections 6 and 11.
public struct YamuxLimits: Hashable, Sendable {
    /// The window with which every stream starts; fixed by the protocol.
    public static let initialWindowByteCount = 256 << 10

    /// Payload of one frame sent: header and payload then fill one Noise record.
    public var framePayloadByteCountMax = 65_507
    /// Body of one frame received; Rust's limit.
    public var bodyByteCountMax = 1 << 20
    /// Streams that the peer may have open.
    public var inboundStreamCountMax = 256
    /// Own opens that may be unacknowledged; the same number as Rust's.
    public var unacknowledgedCountMax = 256
    /// Opens of the peer per second, in the long run.
    public var openRatePerSecond = 50
    /// Opens of the peer at once.
    public var openBurst = 200
    /// Opens refused for their rate, one after another, before the session is ended.
    public var refusalCountMax = 200
    /// Frames of the peer that move nothing, per second in the long run: pings, empty frames, and
    /// frames of streams that have ended.
    public var idleFrameRatePerSecond = 2_000
    /// The same at once: what a window of 16 MiB in frames of 1 KiB leaves behind when its stream
    /// is reset.
    public var idleFrameBurst = 16_384
    /// The greatest window of one stream; go-yamux's figure.
    public var windowByteCountMax = 16 << 20
    /// The sum of what all windows have grown beyond their initial size.
    public var windowGrowthByteCountMax = 64 << 20
    /// Frames without payload waiting to be sent: each stream can have a few, pings come on top.
    public var controlFrameCountMax = 2_048
    /// A ping is sent when nothing came from the peer for this time; Go's figure.
    public var keepAliveInterval = Duration.seconds(30)
    /// The session fails when a ping is unanswered for this time; Go's figure.
    public var keepAliveTimeout = Duration.seconds(10)
    /// A stream that this node has done with is reset if the peer does not end it in this time.
    public var lingerTimeout = Duration.seconds(60)

    /// The limits of the specification.
    public init() {}
}
