/// The shape of the mesh and the bounds of the conversation.
///
/// Defaults are those of the specification, on which the implementations agree.
///
/// Source: gossipsub v1.0, parameters; gossipsub v1.1, additional parameters.
public struct GossipParameters: Hashable, Sendable {
    /// D: the mesh peers that a node wants in a topic.
    public var meshCount = 6
    /// D_lo: with fewer mesh peers a node grafts.
    public var meshCountMin = 5
    /// D_hi: with more mesh peers a node prunes.
    public var meshCountMax = 12
    /// D_score: the best-scored peers that pruning keeps.
    public var bestKeptCount = 4
    /// D_out: the mesh peers that this node has dialled itself.
    ///
    /// Peers that dial in cannot make up the whole mesh.
    public var outboundCountMin = 2
    /// D_lazy: the peers outside the mesh that hear of messages, at least.
    public var lazyCount = 6
    /// The share of the peers outside the mesh that hear of messages.
    public var lazyFactor = 0.25
    /// Heartbeats for which messages are kept to answer IWANT.
    public var historyCount = 5
    /// Heartbeats for which messages are announced.
    public var announcedHistoryCount = 3
    /// The time between heartbeats, for whoever calls them.
    public var heartbeatInterval = Duration.seconds(1)
    /// How long peers of a topic that this node only publishes to are kept.
    public var fanoutLifetime = Duration.seconds(60)
    /// How long a message is known as a repetition.
    public var seenLifetime = Duration.seconds(120)
    /// Messages that are known as repetitions; the oldest go first.
    ///
    /// About 10 MB of ids; 500 messages a second fill it in their lifetime.
    public var seenCountMax = 65_536
    /// Bytes of messages kept to answer IWANT; the oldest go first.
    public var historyByteCountMax = 16 << 20
    /// How long after a PRUNE neither side grafts.
    public var pruneBackoff = Duration.seconds(60)
    /// How long after an unsubscription neither side grafts.
    public var unsubscribeBackoff = Duration.seconds(10)
    /// The longest back-off that is taken from a peer.
    public var backoffMax = Duration.seconds(3600)
    /// A GRAFT this soon after a PRUNE counts twice against its sender.
    public var graftFloodThreshold = Duration.seconds(10)
    /// Whether a PRUNE tells of other peers.
    public var exchangesPeers = true
    /// The peers that a PRUNE tells of, and that are taken from one.
    public var exchangedPeerCountMax = 16
    /// Heartbeats between opportunistic graftings.
    public var opportunisticGraftTickCount: UInt64 = 60
    /// Peers of an opportunistic grafting.
    public var opportunisticGraftCount = 2
    /// How long a peer may take to send what it announced and was asked for.
    public var followUpTime = Duration.seconds(3)
    /// Ids that a peer may announce, and ask for, between two heartbeats.
    public var announcedIDCountMax = 5_000
    /// Frames with IHAVE that a peer may send between two heartbeats.
    public var announcementCountMax = 10
    /// How often the same message is sent to a peer that asks for it again.
    public var retransmissionCountMax = 3
    /// Whether a node's own messages go to every peer of the topic and not to its mesh alone.
    public var floodsOwnMessages = true
    /// The greatest payload of a message.
    public var dataByteCountMax = 4_096
    /// The longest name of a topic.
    public var topicByteCountMax = 256
    /// Topics that are kept of one peer.
    public var topicCountMaxPerPeer = 64
    /// Messages that wait for a verdict; further ones are not looked at, and may come again.
    public var pendingCountMax = 1_024
    /// As many of them may be one peer's.
    public var pendingCountMaxPerPeer = 256
    /// Peers whose messages are always exchanged and that are never in a mesh.
    public var explicitPeers: Set<PeerID> = []

    /// The parameters of an ordinary node.
    public init() {}

    /// The parameters of a bootstrap node: it keeps no mesh, and its PRUNEs tell peers of others.
    public static var bootstrap: GossipParameters {
        var parameters = GossipParameters()
        parameters.meshCount = 0
        parameters.meshCountMin = 0
        parameters.meshCountMax = 0
        parameters.bestKeptCount = 0
        parameters.outboundCountMin = 0
        return parameters
    }

    /// What these parameters would break, or nil.
    var contradiction: String? {
        if meshCountMin > meshCount || meshCount > meshCountMax { return "D_lo <= D <= D_hi" }
        if outboundCountMin > 0 && (outboundCountMin >= meshCountMin) { return "D_out < D_lo" }
        if outboundCountMin > meshCount / 2 { return "D_out <= D / 2" }
        if bestKeptCount > meshCount { return "D_score <= D" }
        if announcedHistoryCount > historyCount { return "announced history <= history" }
        return nil
    }
}
