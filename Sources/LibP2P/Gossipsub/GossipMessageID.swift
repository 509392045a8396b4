/// The name of a gossip message: its author's id, then its sequence number.
///
/// It is bytes and no text. Ids that other peers make another way are carried, never matched.
public struct GossipMessageID: Hashable, Sendable, Comparable {
    /// The id as it travels.
    public let bytes: [UInt8]

    /// Takes an id as it was received.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The id of an author's message.
    public init(author: PeerID, sequenceNumber: UInt64) {
        bytes = author.bytes + GossipMessage.encode(sequenceNumber: sequenceNumber)
    }

    /// Orders by unsigned bytes, first byte first.
    public static func < (left: GossipMessageID, right: GossipMessageID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}
