internal import FoundationEssentials
internal import SwiftProtobuf

extension GossipRPC {
    /// The greatest frame that is taken, as in Go and Python.
    public static let byteCountMax = 1 << 20
    /// The greatest frame that is sent; the Rust implementation takes no more.
    public static let ownByteCountMax = 65_536
    /// The greatest message in a frame.
    public static let messageByteCountMax = 48 << 10
    /// The greatest control part that is sent; newer Rust implementations take 5 120 bytes.
    public static let ownControlByteCountMax = 4_096
    /// The greatest number of parts in a frame: subscriptions, messages, ids, GRAFTs, PRUNEs and
    /// the peers in them.
    ///
    /// It is four times the 5 000 ids that a peer may announce between two heartbeats.
    public static let partCountMax = 20_000

    /// The serialised frame, without a length prefix.
    public var bytes: [UInt8] {
        var message = GossipRPCMessage()
        message.subscriptions = subscriptions.map { subscription in
            var part = GossipSubscriptionMessage()
            part.subscribe = subscription.isSubscribed
            part.topic = subscription.topic
            return part
        }
        message.publish = messages.map { Data($0) }
        if let control { message.control = control }
        return message.wireBytes
    }

    private var control: GossipControlMessage? {
        guard !(ihave.isEmpty && iwant.isEmpty && graft.isEmpty && prune.isEmpty) else {
            return nil
        }
        var control = GossipControlMessage()
        control.ihave = ihave.map { have in
            var part = GossipControlMessage.IHaveMessage()
            part.topic = have.topic
            part.messageIds = have.messageIDs.map { Data($0.bytes) }
            return part
        }
        if !iwant.isEmpty {
            var part = GossipControlMessage.IWantMessage()
            part.messageIds = iwant.map { Data($0.bytes) }
            control.iwant = [part]
        }
        control.graft = graft.map { topic in
            var part = GossipControlMessage.GraftMessage()
            part.topic = topic
            return part
        }
        control.prune = prune.map { prune in
            var part = GossipControlMessage.PruneMessage()
            part.topic = prune.topic
            if let backoff = prune.backoffSeconds { part.backoff = backoff }
            part.peers = prune.peers.map { peer in
                var info = GossipControlMessage.PeerInfoMessage()
                info.peerID = Data(peer.peerID)
                if let record = peer.signedPeerRecord { info.signedPeerRecord = Data(record) }
                return info
            }
            return part
        }
        return control
    }

    /// Reads a frame from a peer; no message and no record in it is opened yet.
    ///
    /// - Throws: ``GossipRPCError``. Bytes and parts are counted before anything is kept.
    public init(bytes: [UInt8]) throws(GossipRPCError) {
        guard bytes.count <= Self.byteCountMax else { throw .tooLong(byteCount: bytes.count) }
        try GossipRPCScanner(bytes).check()
        guard let message = try? GossipRPCMessage(serializedBytes: bytes) else { throw .malformed }
        self.init()
        subscriptions = message.subscriptions.map {
            Subscription(isSubscribed: $0.subscribe, topic: $0.topic)
        }
        messages = message.publish.map { [UInt8]($0) }
        guard message.hasControl else { return }
        let control = message.control
        ihave = control.ihave.map { have in
            IHave(topic: have.topic, messageIDs: have.messageIds.map(GossipMessageID.init))
        }
        iwant = control.iwant.flatMap { $0.messageIds.map(GossipMessageID.init) }
        graft = control.graft.map(\.topic)
        prune = control.prune.map { prune in
            Prune(
                topic: prune.topic,
                peers: prune.peers.map { peer in
                    PeerInfo(
                        peerID: [UInt8](peer.peerID),
                        signedPeerRecord: peer.hasSignedPeerRecord
                            ? [UInt8](peer.signedPeerRecord) : nil)
                },
                backoffSeconds: prune.hasBackoff ? prune.backoff : nil)
        }
    }
}

extension GossipMessageID {
    fileprivate init(_ data: Data) {
        self.init(bytes: [UInt8](data))
    }
}

/// Why bytes are no frame of gossipsub.
public enum GossipRPCError: Error, Hashable, Sendable {
    /// The frame is longer than ``GossipRPC/byteCountMax``.
    case tooLong(byteCount: Int)
    /// The bytes are no frame.
    case malformed
    /// The frame has more parts than ``GossipRPC/partCountMax``.
    case tooManyParts
    /// A message in the frame is longer than ``GossipRPC/messageByteCountMax``.
    case messageTooLong(byteCount: Int)
}
