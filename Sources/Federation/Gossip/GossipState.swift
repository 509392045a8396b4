internal import Cryptography

/// Where a gossiping node stands between two rounds; durable.
struct GossipProgress: Hashable, Sendable {
    /// The round that the state is of: the next one trains from it.
    var round: UInt64
    /// The node's own adapter state.
    var state: ObjectID
    /// The examples behind the state; 0 for the first adapter.
    var exampleCount: Int
    /// What the last mean showed; `nil` before one of at least two states.
    var distance: ConsensusDistance?

    var bytes: [UInt8] {
        var writer = CanonicalWriter()
        writer.write(round)
        writer.write(raw: state.bytes)
        writer.write(count: exampleCount)
        writer.write(UInt8(distance == nil ? 0 : 1))
        if let distance {
            writer.write(distance.value)
            writer.write(distance.meanNorm)
            writer.write(count: distance.sampleCount)
        }
        return writer.bytes
    }

    init(round: UInt64, state: ObjectID, exampleCount: Int, distance: ConsensusDistance? = nil) {
        self.round = round
        self.state = state
        self.exampleCount = exampleCount
        self.distance = distance
    }

    init(bytes: [UInt8]) throws(CanonicalError) {
        var reader = CanonicalReader(bytes)
        round = try reader.read()
        state = try reader.readDigest()
        exampleCount = Int(try reader.read(UInt32.self))
        distance = nil
        if try reader.readBool() {
            distance = ConsensusDistance(
                value: try reader.readDouble(), meanNorm: try reader.readDouble(),
                sampleCount: Int(try reader.read(UInt32.self)))
        }
        try reader.finish()
    }
}

/// The own state of the round that is under way, announced and not yet averaged; durable.
struct OwnState: Hashable, Sendable {
    /// The state as the node goes on with it.
    let state: ObjectID
    let announcement: SignedAnnouncement
    var announcedAt: Timestamp
    /// The drawn members that have been sent it in this life.
    var receivers: Set<PublicKey> = []
}

/// A member's state on its way into the next mean; the announcement is durable.
struct GossipInput: Sendable {
    let announcement: SignedAnnouncement
    var isReady = false
    var fetch: FetchState?

    var summary: UpdateSummary { announcement.summary }
}

/// A mean that is being formed.
struct Mixing: Sendable {
    let order: MixOrder
    /// The inputs' announcements, in the order's order.
    let announcements: [SignedAnnouncement]
}

/// What a node remembers of a member's announcements.
struct SeenMember: Sendable {
    /// Rounds of which one announcement each is kept, to find a second one.
    static let recentCountMax = 4

    /// The newest round whose state was taken in from the member itself.
    var newestTaken: UInt64 = 0
    /// The newest announcements, whoever brought them, in order of their rounds.
    ///
    /// Those that others brought are not verified before they matter.
    var recent: [SignedAnnouncement] = []
}

/// Asking some members for their newest state: after a start, and when the others are far ahead.
struct CatchUp: Sendable {
    /// Members asked: enough that one liar is outvoted by the median.
    static let memberCount = 3

    let since: Timestamp
    var asked: Set<PublicKey> = []
    var answered: Set<PublicKey> = []
}

/// The objects of a round that stay in the store for auditors.
struct RetainedRound: Hashable, Sendable {
    let round: UInt64
    let objects: [ObjectID]

    static func bytes(of rounds: [RetainedRound]) -> [UInt8] {
        var writer = CanonicalWriter()
        writer.write(count: rounds.count)
        for round in rounds {
            writer.write(round.round)
            writer.write(count: round.objects.count)
            for object in round.objects { writer.write(raw: object.bytes) }
        }
        return writer.bytes
    }

    static func rounds(bytes: [UInt8]) throws(CanonicalError) -> [RetainedRound] {
        var reader = CanonicalReader(bytes)
        var rounds: [RetainedRound] = []
        for _ in 0..<(try reader.readCount(max: 4096, itemByteCount: 12)) {
            let round = try reader.read(UInt64.self)
            var objects: [ObjectID] = []
            for _ in 0..<(try reader.readCount(max: 64, itemByteCount: 32)) {
                objects.append(try reader.readDigest())
            }
            rounds.append(RetainedRound(round: round, objects: objects))
        }
        try reader.finish()
        return rounds
    }
}

/// The spans of a gossiping node in seconds, each with its reason.
enum GossipTiming {
    /// Between two heartbeats, each to one peer in turn: what is lost is made good within a few.
    static let heartbeatSeconds = 2.0
    /// How long a mean waits for the first state to arrive and for fetches that are under way.
    ///
    /// Not a barrier: a node that hears nothing goes on. One second more than a connection takes.
    static let mixSeconds = 2.0
    /// How long a node that has just started waits for answers before it goes on from its own
    /// state.
    static let catchUpSeconds = 4.0
    /// Between two catch-ups of a node that runs.
    static let catchUpPauseSeconds = 30.0
    /// Between two exchanges of rosters with one peer.
    static let rosterPauseSeconds = 3.0
    /// Before an order that failed is given again.
    static let retrySeconds = 2.0
    /// Tries of a fetch before its state is given up: a newer one will come.
    static let fetchTryCountMax = 5
}
