public import Cryptography

/// One node's part in gossipsub: who is in its meshes, what it has seen, what it thinks of its
/// peers, and what it says to them.
///
/// It has no clock and no randomness of its own: each event comes with the time since any fixed
/// moment and a generator. Equal events, times and generators give equal directives.
///
/// Moves of a message: received → waiting for a verdict → accepted (delivered and handed on),
/// rejected or ignored. A repetition is never delivered.
///
/// Source: libp2p pubsub specification; gossipsub v1.0 and v1.1; docs/protocol/gossipsub.md.
///
/// ### Deviations
/// docs/decisions/0015-gossipsub-choices.md.
public struct GossipsubInstance: Sendable {
    /// What happens to the node.
    public enum Event: Sendable {
        /// A stream to a peer is open, the first one or another in its place.
        case connected(PeerID, GossipPeer)
        /// The peer is gone.
        case disconnected(PeerID)
        /// The peer sent a frame; the bytes are those behind the length prefix.
        case received(PeerID, [UInt8])
        /// A connected peer's own record is known, for peer exchange.
        case recordKnown(SignedPeerRecord)
        /// The node wants a topic.
        case subscribe(String)
        /// The node wants a topic no more.
        case unsubscribe(String)
        /// The node has something to say, at most ``GossipParameters/dataByteCountMax`` bytes.
        case publish(topic: String, data: [UInt8])
        /// The answer to ``Directive/validate(_:from:)``.
        case judged(GossipMessageID, GossipVerdict)
        /// What the application thinks of a peer, as P5 of its score.
        case applicationScore(PeerID, Double)
        /// The time between two heartbeats is over.
        case heartbeat
    }

    /// What the holder of the streams is to do, in order.
    public enum Directive: Hashable, Sendable {
        /// Send this frame.
        case send(PeerID, GossipRPC, GossipPrecedence)
        /// Look at the message and answer with ``Event/judged(_:_:)``.
        case validate(GossipMessage, from: PeerID)
        /// Give the message, which was accepted, to whoever reads its topic.
        case deliver(GossipMessage, from: PeerID)
        /// The node's own message, as it was signed.
        case published(GossipMessage)
        /// Dial peers that another peer told of.
        case dial([SignedPeerRecord])
        /// The peer is in a mesh now: keep its connection.
        case protect(PeerID)
        /// The peer is in no mesh any more.
        case release(PeerID)
        /// End the connection with the peer.
        case disconnect(PeerID, GossipFault)
        /// Write to the log why something was not done.
        case note(PeerID, GossipNote)
    }

    struct PeerState {
        let info: GossipPeer
        var topics: Set<String> = []
        /// Frames with IHAVE since the last heartbeat.
        var announcementCount = 0
        /// Ids asked for since the last heartbeat.
        var askedIDCount = 0
        /// Ids sent in answer to IWANT since the last heartbeat.
        var answeredIDCount = 0
        var record: SignedPeerRecord?
        /// Topics of which a PRUNE was exchanged since the peer connected: of their back-off it
        /// knows, even if it has been started anew.
        var prunedTopics: Set<String> = []
        var isGraylisted = false
    }

    struct Fanout {
        var peers: Set<PeerID>
        var lastPublished: Duration
    }

    struct Pending {
        let message: GossipMessage
        let sender: PeerID
    }

    /// This node.
    public let peerID: PeerID
    /// The shape of the mesh and the bounds.
    public let parameters: GossipParameters
    /// The number of the next own message; whoever keeps it across restarts starts above it.
    public private(set) var nextSequenceNumber: UInt64
    /// What the node thinks of its peers.
    public internal(set) var scores: PeerScores

    private let key: SigningKey
    var now = Duration.zero
    var heartbeatCount: UInt64 = 0
    var peers: [PeerID: PeerState] = [:]
    /// The peers that want a topic.
    var members: [String: Set<PeerID>] = [:]
    /// The mesh of each topic that the node wants.
    var meshes: [String: Set<PeerID>] = [:]
    var fanouts: [String: Fanout] = [:]
    var seen: SeenMessages
    var history: MessageHistory
    var promises = GossipPromises()
    var backoffs = GossipBackoffs()
    var pending: [GossipMessageID: Pending] = [:]
    private var directives: [Directive] = []
    /// Control that leaves at the end of the event, one frame for each peer.
    private var outgoing: [PeerID: GossipRPC] = [:]

    /// Makes a node without peers and topics.
    ///
    /// - Parameters:
    ///   - key: Signs the node's messages.
    ///   - firstSequenceNumber: Greater than every one that this key has used: Unix time in
    ///     nanoseconds, or one above the last if that is greater.
    public init(
        key: SigningKey, firstSequenceNumber: UInt64,
        parameters: GossipParameters = GossipParameters(),
        scoreParameters: GossipScoreParameters = GossipScoreParameters()
    ) {
        if let contradiction = parameters.contradiction {
            preconditionFailure("gossip parameters break \(contradiction)")
        }
        self.key = key
        peerID = PeerID(publicKey: key.publicKey)
        self.parameters = parameters
        nextSequenceNumber = firstSequenceNumber
        scores = PeerScores(parameters: scoreParameters)
        seen = SeenMessages(
            lifetime: parameters.seenLifetime, countMax: parameters.seenCountMax)
        history = MessageHistory(
            windowCount: parameters.historyCount,
            announcedCount: parameters.announcedHistoryCount,
            byteCountMax: parameters.historyByteCountMax)
    }

    /// The topics that the node wants, ascending.
    public var topics: [String] { meshes.keys.sorted() }

    /// The peers in the mesh of a topic, ascending.
    public func meshPeers(of topic: String) -> [PeerID] { (meshes[topic] ?? []).sorted() }

    /// The connected peers that want a topic, ascending.
    public func subscribers(of topic: String) -> [PeerID] { (members[topic] ?? []).sorted() }

    /// Takes one event.
    public mutating func handle(
        _ event: Event, now: Duration, using generator: inout some RandomNumberGenerator
    ) -> [Directive] {
        self.now = max(self.now, now)
        switch event {
        case .connected(let peer, let info): connect(peer, info)
        case .disconnected(let peer): disconnect(peer)
        case .received(let peer, let bytes): receive(bytes, from: peer, using: &generator)
        case .recordKnown(let record): peers[record.peerID]?.record = record
        case .subscribe(let topic): subscribe(topic, using: &generator)
        case .unsubscribe(let topic): unsubscribe(topic, using: &generator)
        case .publish(let topic, let data): publish(data, topic: topic, using: &generator)
        case .judged(let id, let verdict): settle(id, verdict)
        case .applicationScore(let peer, let score): scores.setApplicationScore(score, of: peer)
        case .heartbeat: heartbeat(using: &generator)
        }
        for (peer, rpc) in outgoing.sorted(by: { $0.key < $1.key }) {
            for part in rpc.controlParts { emit(.send(peer, part, .control)) }
        }
        outgoing = [:]
        defer { directives = [] }
        return directives
    }

    // MARK: What the extensions need

    mutating func emit(_ directive: Directive) {
        directives.append(directive)
    }

    /// Adds to the control that a peer is sent at the end of the event.
    mutating func queueControl(_ peer: PeerID, _ change: (inout GossipRPC) -> Void) {
        guard peers[peer] != nil else { return }
        change(&outgoing[peer, default: GossipRPC()])
    }

    mutating func sign(_ data: [UInt8], topic: String) -> GossipMessage {
        defer { nextSequenceNumber += 1 }
        return GossipMessage.sign(
            data: data, topic: topic, sequenceNumber: nextSequenceNumber, key: key)
    }

    func isExplicit(_ peer: PeerID) -> Bool { parameters.explicitPeers.contains(peer) }

    /// The peers that want a topic and pass a test, in ascending order.
    func subscribers(of topic: String, where isWanted: (PeerID) -> Bool) -> [PeerID] {
        (members[topic] ?? []).filter(isWanted).sorted()
    }
}
