public import Cryptography

/// What the shell is to do.
///
/// The directives of one `handle` call are carried out in order.
///
/// The durable ones (`persist`, `forget`, `persistEntry`, `appendLog`) are flushed before the
/// next directive that is not durable; neighbours may share one transaction, and should: then a
/// crash never leaves a log record without its entry.
public enum Directive: Hashable, Sendable {
    /// Stores a small value under a key, replacing what is there.
    case persist(key: String, value: [UInt8])
    /// Removes values; keys that are not there are skipped.
    case forget(keys: [String])
    /// Stores a certified entry at its height; heights come without gaps.
    case persistEntry(height: UInt64, bytes: [UInt8])
    /// Appends to the gossip log.
    case appendLog(LogRecord)
    /// Sends one message to each peer that is still connected; losses are made good later.
    case send(to: [PublicKey], bytes: [UInt8])
    /// Sends one frame of a secure round, up to a shard of the summed vector in length, to each peer
    /// that is still connected; losses are made good later.
    case sendFrame(to: [PublicKey], bytes: [UInt8])
    /// Sends the stored entries from that height on, as many as one message holds (``ChainBatch``).
    case sendChain(fromHeight: UInt64, to: PublicKey)
    /// Brings an object into the store, at once if it is there already, and reports the end.
    case fetch(FetchOrder)
    /// The object is no longer needed; no report is owed.
    case cancelFetch(ObjectID)
    /// Trains for that round from that adapter; replaces a training that is under way.
    case startTraining(round: UInt64, base: ObjectID)
    /// Ends the training of that round after the current step and hands in what was done.
    case stopTraining(round: UInt64)
    /// Sums updates that are all in the store.
    case aggregate(AggregationOrder)
    /// Checks the sum that a secure round opened and adds its mean to the base.
    case aggregateSum(SumOrder)
    /// Stores the sum of the own group, the bytes of a ``GroupSum``, and reports it with that summary
    /// as a ready update.
    case storeSum(bytes: [UInt8], UpdateSummary)
    /// In gossip: prepares the state of that object for others without training it, and reports
    /// it as ready with those examples.
    case publish(round: UInt64, state: ObjectID, exampleCount: Int)
    /// Averages states that are all in the store.
    case mix(MixOrder)
    /// Nobody will ask for these objects any more.
    case discard([ObjectID])
    /// The certified adapter of that height, which is in the store, is now the node's own; in
    /// gossip the node's own adapter after that round, with height 0.
    case adopt(adapter: ObjectID, height: UInt64, round: UInt64)
    /// Close the connections to that peer and tell why.
    case refuse(PublicKey, RejectReason)
    /// The answer to a question of the membership stream.
    case membershipReply(id: UInt64, bytes: [UInt8])
    /// Something a user may want to know.
    case notify(Notification)
    /// The last round is certified and its adapter is adopted, or in gossip the last round is
    /// over; the node goes on serving.
    case finished(height: UInt64)
}

/// An object to bring into the store.
public struct FetchOrder: Hashable, Sendable {
    /// What the object is and so how its bytes are checked.
    public enum Kind: Hashable, Sendable {
        /// An update whose announcement says this; check with ``UpdateInspector``.
        case update(UpdateSummary)
        /// An adapter state; decode with ``AdapterStateCodec`` against the layout.
        case adapter
        /// A member's state whose announcement says this; check with ``StateInspector``.
        case state(UpdateSummary)
    }

    /// The content address; bytes with another hash are not the object.
    public let objectID: ObjectID
    /// What it is.
    public let kind: Kind
    /// Connected peers that may hold it, the likeliest first.
    public let sources: [PublicKey]

    /// Takes the fields.
    public init(objectID: ObjectID, kind: Kind, sources: [PublicKey]) {
        self.objectID = objectID
        self.kind = kind
        self.sources = sources
    }
}

/// Updates to sum onto a base.
public struct AggregationOrder: Hashable, Sendable {
    /// The height whose proposal is decided.
    public let height: UInt64
    /// The round.
    public let round: UInt64
    /// The adapter to which the mean is added.
    public let baseAdapterDigest: ObjectID
    /// The participants in ascending order of their keys.
    public let participants: [UpdateSummary]

    /// Takes the fields.
    public init(
        height: UInt64, round: UInt64, baseAdapterDigest: ObjectID, participants: [UpdateSummary]
    ) {
        self.height = height
        self.round = round
        self.baseAdapterDigest = baseAdapterDigest
        self.participants = participants
    }
}
