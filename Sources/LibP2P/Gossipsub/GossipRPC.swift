/// One frame of a gossipsub stream: subscriptions, messages and control.
public struct GossipRPC: Hashable, Sendable {
    /// The beginning or the end of a peer's interest in a topic.
    public struct Subscription: Hashable, Sendable {
        /// Whether the peer wants the topic from now on.
        public var isSubscribed: Bool
        /// The topic.
        public var topic: String

        /// Makes one.
        public init(isSubscribed: Bool, topic: String) {
            self.isSubscribed = isSubscribed
            self.topic = topic
        }
    }

    /// Ids of messages that the sender holds.
    public struct IHave: Hashable, Sendable {
        /// The topic of the messages.
        public var topic: String
        /// The messages.
        public var messageIDs: [GossipMessageID]

        /// Makes one.
        public init(topic: String, messageIDs: [GossipMessageID]) {
            self.topic = topic
            self.messageIDs = messageIDs
        }
    }

    /// A peer that a pruned one may turn to.
    public struct PeerInfo: Hashable, Sendable {
        /// The multihash of its id, not yet read.
        public var peerID: [UInt8]
        /// The envelope of its peer record, not yet verified.
        public var signedPeerRecord: [UInt8]?

        /// Makes one.
        public init(peerID: [UInt8], signedPeerRecord: [UInt8]?) {
            self.peerID = peerID
            self.signedPeerRecord = signedPeerRecord
        }
    }

    /// The sender's removal of the receiver from its mesh.
    public struct Prune: Hashable, Sendable {
        /// The topic of the mesh.
        public var topic: String
        /// Where else to ask.
        public var peers: [PeerInfo]
        /// For how many seconds a GRAFT is not welcome; nil where the sender does not say.
        public var backoffSeconds: UInt64?

        /// Makes one.
        public init(topic: String, peers: [PeerInfo] = [], backoffSeconds: UInt64? = nil) {
            self.topic = topic
            self.peers = peers
            self.backoffSeconds = backoffSeconds
        }
    }

    /// Changes of the sender's interest.
    public var subscriptions: [Subscription] = []
    /// Serialised messages, not yet opened.
    public var messages: [[UInt8]] = []
    /// What the sender holds, by topic.
    public var ihave: [IHave] = []
    /// What the sender asks for.
    public var iwant: [GossipMessageID] = []
    /// Topics in whose mesh the sender has put the receiver.
    public var graft: [String] = []
    /// Topics from whose mesh the sender has taken the receiver.
    public var prune: [Prune] = []

    /// Makes a frame of nothing.
    public init() {}

    /// Whether the frame says nothing.
    public var isEmpty: Bool {
        subscriptions.isEmpty && messages.isEmpty && ihave.isEmpty && iwant.isEmpty
            && graft.isEmpty && prune.isEmpty
    }
}
