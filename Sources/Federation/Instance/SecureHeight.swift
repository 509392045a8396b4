internal import Cryptography

/// The secure round of a height, as far as this node is with it.
///
/// It moves `waiting → running → held` or `→ lost` and never back; a node that took part before a
/// restart is lost from the start unless its records hold the sum.
struct SecureHeight: Sendable {
    /// A sum of which the adapter is made and durable.
    struct Held: Hashable, Sendable {
        let summary: SecureSummary
        let outcome: AggregateOutcome
    }

    /// After so long without enough members that hold the sum a node gives it up, and likewise a
    /// round for which too few members can be reached: those that are missing had time for several
    /// restarts.
    static let patienceSeconds = 60.0

    var instance: SecureGroupInstance?
    /// The open sum while the adapter is made of it.
    var sum: SecureSum?
    /// What it was opened from, as an object, until that is stored.
    var transcript: [UInt8]?
    var transcriptID: ObjectID?
    var isAggregating = false
    var retryAt: Timestamp?
    var held: Held?
    var heldAt: Timestamp?
    /// Since when members enough for a decision can be reached, but too few for a sum.
    var shortSince: Timestamp?
    var isLost = false
    var hasConceded = false
    var hasContributed = false

    var isHelper: Bool { instance?.isHelper == true && held == nil }

    /// What others are told.
    var standing: SecureStanding {
        if isLost || isHelper || hasConceded { return .lost }
        return held == nil ? .open : .held
    }
}

/// Where a member is with the secure round of its height.
///
/// Its heartbeat tells: the bit of the announcements that is its own means `held`, the abstention
/// `roundLost` means `lost`.
enum SecureStanding: Hashable, Sendable {
    /// The round is under way, or there is none.
    case open
    /// It holds the opened sum and the adapter made of it.
    case held
    /// It will never hold the sum.
    case lost
}

extension SecureHeight.Held {
    /// The durable record: round (8), the summary as in proposals, sum and adapter (32 each).
    func bytes(round: UInt64) -> [UInt8] {
        var writer = CanonicalWriter()
        writer.write(round)
        writer.write(summary)
        writer.write(raw: outcome.sumDigest.bytes)
        writer.write(raw: outcome.adapterDigest.bytes)
        return writer.bytes
    }

    /// Reads a record; `nil` where it is of another round.
    init?(bytes: [UInt8], round: UInt64?) throws(CanonicalError) {
        var reader = CanonicalReader(bytes)
        let ownRound = try reader.read(UInt64.self)
        summary = try reader.readSecureSummary()
        outcome = AggregateOutcome(
            sumDigest: try reader.readDigest(), adapterDigest: try reader.readDigest())
        try reader.finish()
        guard ownRound == round else { return nil }
    }
}
