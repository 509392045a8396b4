/// Why a gossip message is not taken.
public enum GossipMessageError: Error, Hashable, Sendable {
    /// The bytes are no message.
    case malformed
    /// The message names no author, or something that is no peer id.
    case invalidAuthor
    /// The sequence number is missing or has another length than 8 bytes.
    case sequenceNumberByteCount(Int)
    /// The message names no topic.
    case missingTopic
    /// The message is not signed.
    case missingSignature
    /// The payload is longer than the topic takes.
    case dataTooLarge(byteCount: Int, byteCountMax: Int)
    /// The key beside the message is not the author's.
    case keyMismatch
    /// The signature is not the author's over these bytes.
    case invalidSignature
    /// The author's key is of a type that this node does not verify.
    case unsupportedKeyType(KeyType)
    /// Fields that this node does not know, which other programs may have signed.
    case unknownFields

    /// What the sender of such a message has earned.
    public var verdict: GossipVerdict {
        switch self {
        case .unsupportedKeyType, .unknownFields: .ignore
        default: .reject
        }
    }
}

/// What becomes of a message that another peer sent.
public enum GossipVerdict: String, Hashable, Sendable {
    /// It is delivered and handed on.
    case accept
    /// It proves a fault of whoever sent it: it goes no further and counts against the sender.
    case reject
    /// It goes no further; an honest peer may have sent it.
    case ignore
}
