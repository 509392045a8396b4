public import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// One signed message of a topic.
///
/// Source: libp2p pubsub specification, signing policy StrictSign.
public struct GossipMessage: Hashable, Sendable {
    /// The length of a sequence number on the wire.
    static let sequenceNumberByteCount = 8

    /// Who wrote and signed it.
    public let author: PeerID
    /// Grows with each message of the author.
    public let sequenceNumber: UInt64
    /// What it is about.
    public let topic: String
    /// What it says.
    public let data: [UInt8]
    /// The message as it was received or made; it is handed on unchanged.
    public let bytes: [UInt8]

    /// The author's id, then the sequence number.
    public var id: GossipMessageID {
        GossipMessageID(author: author, sequenceNumber: sequenceNumber)
    }

    init(
        author: PeerID, sequenceNumber: UInt64, topic: String, data: [UInt8], bytes: [UInt8]
    ) {
        self.author = author
        self.sequenceNumber = sequenceNumber
        self.topic = topic
        self.data = data
        self.bytes = bytes
    }

    /// Signs a message of this node.
    public static func sign(
        data: [UInt8], topic: String, sequenceNumber: UInt64, key: SigningKey
    ) -> GossipMessage {
        let author = PeerID(publicKey: key.publicKey)
        var message = GossipMessageMessage()
        message.from = Data(author.bytes)
        message.data = Data(data)
        message.seqno = Data(encode(sequenceNumber: sequenceNumber))
        message.topic = topic
        message.signature = Data(
            key.signature(for: SigningDomain.gossipMessage + message.wireBytes))
        return GossipMessage(
            author: author, sequenceNumber: sequenceNumber, topic: topic, data: data,
            bytes: message.wireBytes)
    }

    /// Reads a message and verifies its signature.
    ///
    /// - Throws: ``GossipMessageError``, whose ``GossipMessageError/verdict`` tells whether the peer
    ///   that sent the bytes is to blame.
    public static func open(
        _ bytes: [UInt8], dataByteCountMax: Int
    ) throws(GossipMessageError) -> GossipMessage {
        try UnverifiedGossipMessage(bytes, dataByteCountMax: dataByteCountMax).verified()
    }

    static func encode(sequenceNumber: UInt64) -> [UInt8] {
        (0..<sequenceNumberByteCount).map {
            UInt8(truncatingIfNeeded: sequenceNumber >> UInt64(56 - 8 * $0))
        }
    }
}
