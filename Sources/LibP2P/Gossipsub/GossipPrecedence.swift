/// What a frame is worth where not all of them can be sent.
public enum GossipPrecedence: Int, Hashable, Sendable, CaseIterable, Comparable {
    /// Announcements of messages; the next heartbeat brings others.
    case announcement
    /// Messages of others, which have further ways.
    case forwarded
    /// This node's own messages.
    case own
    /// Subscriptions, GRAFT, PRUNE and IWANT: without them the two sides misunderstand each other.
    case control

    /// Orders by worth.
    public static func < (left: GossipPrecedence, right: GossipPrecedence) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What a peer did for which its connection is ended.
public enum GossipFault: Error, Hashable, Sendable {
    /// It sent bytes that are no frame, or more than a frame may have.
    case malformedFrame(GossipRPCError)
    /// It takes nothing that is sent to it.
    case stalled
}

/// What the node did not do, and why.
public enum GossipNote: Hashable, Sendable {
    /// A message was rejected before anybody was asked.
    case messageRefused(GossipMessageError)
    /// The application rejected a message.
    case messageRejected(GossipMessageID)
    /// Too many messages wait for a verdict; those that were left in a frame were not looked at.
    case validationOverloaded
    /// A GRAFT came before its back-off was over.
    case graftDuringBackoff(topic: String)
    /// Announcements beyond the bound, or from a peer with too low a score, were ignored.
    case announcementsIgnored
    /// The peer has not sent what it announced.
    case promisesBroken(count: Int)
    /// Peers that the peer told of were not dialled, because of its score.
    case exchangeRefused
    /// A record that the peer handed on is not valid.
    case recordRefused
    /// Topics beyond the bound were not kept.
    case topicsIgnored
    /// The score fell below the graylist threshold: the peer is not listened to.
    case graylisted(score: Double)
    /// The score is above the graylist threshold again.
    case heardAgain
}
