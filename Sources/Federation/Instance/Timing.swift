/// The protocol's spans in seconds, each with its reason.
///
/// Everything that depends on machine or link is measured instead; see
/// ``PeerInstance/roundDeadline``.
enum Timing {
    /// Between two heartbeats: a lost message is made good after about one.
    static let statusSeconds = 1.0
    /// A peer that is connected but was not heard for that long is not counted on: five lost
    /// heartbeats in a row.
    static let silenceSeconds = 5.0
    /// Between two requests for entries.
    static let chainRequestSeconds = 1.0
    /// Between two wishes to join.
    static let joinSeconds = 2.0
    /// A wish to join that was not repeated for that long is dropped.
    static let joinLifetimeSeconds = 10.0
    /// The least deadline of a round, for those that train in less than a second.
    static let deadlineSecondsMin = 5.0
    /// The deadline while nobody has measured a training step yet.
    static let deadlineSecondsUnmeasured = 600.0
    /// Added to the deadline for what is not measured: signing, quantising, queues, and agreement.
    static let marginSeconds = 2.0
    /// The part of a round's deadline that is left for agreement, its first proposer lost at the worst
    /// moment: ``viewSecondsUnreachable``, and six messages one after the other.
    static let agreementSeconds = 1.5
    /// The least time that a view gets.
    static let viewSecondsMin = 3.0
    /// The most time that a view gets by doubling; one that has more to fetch gets what that takes.
    static let viewSecondsMax = 60.0
    /// The time that a view gets whose proposer cannot be reached: enough to connect anew.
    static let viewSecondsUnreachable = 0.5
    /// Bytes per second assumed before the first transfer: 8 Mbit/s, a slow home uplink.
    static let bytesPerSecondAssumed = 1_000_000.0
    /// The least rate that deadlines count with, 128 kbit/s: a link slower than any in use, and a
    /// bound to what one member's word can make the others wait.
    static let bytesPerSecondMin = 16_000.0
    /// The most time that a deadline leaves for transfers, whatever their size and rate.
    static let transferSecondsMax = 900.0
    /// The share of the latest fetch in the smoothed time per byte.
    static let latestFetchShare = 0.25
    /// Before too few reachable members are reported: connections come up one by one.
    static let quorumGraceSeconds = 3.0
    /// Between a failed fetch and the next try, doubled each time up to ``fetchRetrySecondsMax``.
    static let fetchRetrySeconds = 0.5
    /// The most between two tries of a fetch.
    static let fetchRetrySecondsMax = 8.0
}
