public import Cryptography

/// What a node's log says of its own adapter, followed record by record.
///
/// Each own announcement is of a later round than the one before and starts from the outcome of the
/// last mean. Each mean is this node's, of the state that it announced, or in a catch-up of the last
/// mean's outcome, and of others' states that came in, passed the inspector and were in no mean
/// before; its round does not fall.
public struct GossipHistory: Sendable {
    /// A mean that the log has.
    public struct Mean: Hashable, Sendable {
        /// The place of its record in the log.
        public let index: UInt64
        /// The record, without signatures.
        public let record: MixRecord
        /// What the node announced of the own state; `nil` in a catch-up.
        public let announced: UpdateSummary?
    }

    /// What a record contradicts.
    public enum Violation: Error, Hashable {
        /// That round, or a later one, was announced before.
        case roundAnnouncedBefore(UInt64)
        /// The announced state starts from another adapter than the last mean's.
        case otherStart
        /// The mean is another node's.
        case otherNode(PublicKey)
        /// The mean's round is before that of an earlier mean.
        case roundFell(to: UInt64, from: UInt64)
        /// The own state in the mean is not the one that was announced.
        case otherRound(UInt64, announced: UInt64)
        /// The own state in the mean is not the last mean's.
        case otherOwnState
        /// That member's state did not come in, or was in a mean before.
        case stateNotReceived(PublicKey, round: UInt64)
    }

    /// The means in order.
    public private(set) var means: [Mean] = []
    /// The round of the last mean; 0 before the first.
    public private(set) var round: UInt64 = 0
    /// The outcome of the last mean, at first the adapter that all begin with.
    public private(set) var adapterDigest: ObjectID
    private let member: PublicKey
    /// The own announcement that waits for its mean.
    private var announced: UpdateSummary?
    private var lastAnnouncedRound: UInt64 = 0
    /// The states of each member that passed the inspector and were in no mean yet; while a mean is
    /// formed a newer one may come.
    private var received: [PublicKey: [UpdateSummary]] = [:]

    /// The history of that member before its first record.
    public init(manifest: Manifest, member: PublicKey) {
        self.member = member
        adapterDigest = manifest.initialAdapterDigest
    }

    /// Takes the next record of the log.
    ///
    /// - Throws: `Violation` for what contradicts the records before.
    public mutating func take(
        _ record: LogRecordReader.Record, at index: UInt64
    ) throws(Violation) {
        switch record {
        case .update(kind: 3, let summary) where summary.member == member:
            try announce(summary)
        case .update(kind: 4, let summary):
            received[summary.member, default: []].append(summary)
        case .mixed(let record): try mix(record, at: index)
        default: break
        }
    }

    private mutating func announce(_ summary: UpdateSummary) throws(Violation) {
        guard summary.round > lastAnnouncedRound, summary.round > round else {
            throw .roundAnnouncedBefore(summary.round)
        }
        guard summary.baseAdapterDigest == adapterDigest else { throw .otherStart }
        lastAnnouncedRound = summary.round
        announced = summary
    }

    private mutating func mix(_ record: MixRecord, at index: UInt64) throws(Violation) {
        let order = record.order
        guard order.member == member else { throw .otherNode(order.member) }
        guard order.newestRound >= round else {
            throw .roundFell(to: order.newestRound, from: round)
        }
        if let announced {
            guard announced.round == order.round else {
                throw .otherRound(order.round, announced: announced.round)
            }
        } else {
            guard order.ownState == adapterDigest else { throw .otherOwnState }
        }
        for input in order.inputs {
            guard received[input.member]?.contains(input) == true else {
                throw .stateNotReceived(input.member, round: input.round)
            }
            received[input.member]?.removeAll { $0.round <= input.round }
        }
        means.append(Mean(index: index, record: record, announced: announced))
        announced = nil
        round = max(round, order.newestRound)
        adapterDigest = record.adapterDigest
    }
}
