public import LibP2P

/// What a gossip service is told once, before it runs.
public struct GossipConfiguration: Sendable {
    /// The shape of the mesh and the bounds.
    public var parameters = GossipParameters()
    /// What counts for and against peers.
    public var scoreParameters = GossipScoreParameters()
    /// Sequence numbers up to this have been used by the node's key.
    ///
    /// The service begins above it, and no lower than the clock's nanoseconds since 1970.
    public var sequenceNumberFloor: UInt64 = 0
    /// Accepted messages of one topic that wait for their reader; further ones are dropped for it.
    public var unreadCountMax = 1_024
    /// Whether peers that others tell of are dialled.
    public var dialsExchangedPeers = true
    /// With so many connections no further peers are dialled; the upper end of what a node aims for.
    public var connectionCountTarget = 24
    /// How often a stream that could not be opened is tried again, each time a heartbeat later.
    public var reopenCountMax = 3

    /// The defaults of the specification.
    public init() {}
}

/// Why a message was not published.
public enum GossipError: Error, Hashable, Sendable {
    /// The payload is longer than a message may be.
    case dataTooLarge(byteCount: Int, byteCountMax: Int)
    /// The topic has no name, or one that is too long.
    case topicByteCount(Int, byteCountMax: Int)
}
