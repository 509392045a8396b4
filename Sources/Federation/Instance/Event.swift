public import Cryptography

/// What happened, as the shell tells a ``PeerInstance``.
public enum Event: Hashable, Sendable {
    /// The first event of an instance, once.
    case started
    /// Time has passed; send one every 100 to 500 ms.
    case tick
    /// A connection to that peer is up and can carry messages.
    case connected(PublicKey)
    /// The last connection to that peer is gone.
    case disconnected(PublicKey)
    /// A whole message came from the peer that the transport has authenticated.
    case received(from: PublicKey, bytes: [UInt8])
    /// A frame of a secure round came from the peer that the transport has authenticated.
    case receivedFrame(from: PublicKey, bytes: [UInt8])
    /// Training made progress; the seconds are a smoothed measurement.
    case trainingProgressed(round: UInt64, stepsDone: Int, secondsPerStep: Double)
    /// Training ended and the update object is durably in the object store.
    case updateReady(round: UInt64, summary: UpdateSummary)
    /// Training ended in a federation whose rounds are secure: what is to be summed, which is
    /// nowhere on disk.
    case contributionReady(round: UInt64, SecureContribution)
    /// Training gave no update, with the reason that the round's record is to hold.
    case trainingFailed(round: UInt64, reason: AbsenceReason)
    /// A fetch ended: the object is durably in the store, or its content was refused.
    case objectFetched(ObjectID, FetchOutcome)
    /// A fetch ended without the object; the instance asks again while it needs it.
    case objectFetchFailed(ObjectID)
    /// An ``AggregationOrder`` or a ``SumOrder`` was carried out and the new adapter is durably in
    /// the store.
    case aggregated(height: UInt64, outcome: AggregateOutcome)
    /// An ``AggregationOrder`` or a ``SumOrder`` could not be carried out; it is given again later.
    case aggregationFailed(height: UInt64)
    /// The sum of a ``SumOrder`` is not what members within their bounds can have put in.
    case sumRefused(height: UInt64, RejectReason)
    /// In gossip: a state was trained or taken as it is; it and the object for others, which the
    /// summary names, are durably in the object store.
    case stateReady(round: UInt64, state: ObjectID, summary: UpdateSummary)
    /// A ``MixOrder`` was carried out and the new adapter state is durably in the store.
    case mixed(round: UInt64, outcome: MixOutcome)
    /// A ``MixOrder`` could not be carried out; it is given again later.
    case mixFailed(round: UInt64)
    /// The user wants this node to leave the federation for good.
    case leaveRequested
    /// Somebody at this machine brings certificates or revocations.
    case membershipLearned(MembershipShare)
    /// A question came over the membership stream; the answer names the same id.
    case membershipRequested(id: UInt64, from: PublicKey, bytes: [UInt8])
    /// A transfer was measured; bytes of content per second.
    case measuredTransferRate(bytesPerSecond: Double)
}

/// How a fetch ended that brought bytes.
public enum FetchOutcome: Hashable, Sendable {
    /// An update object and the verdict of ``UpdateInspector``, or a member's state and that of
    /// ``StateInspector``.
    case update(Result<UpdateSummary, RejectReason>)
    /// An adapter state whose layout is the manifest's.
    case adapter
}

/// What the aggregator made of an ``AggregationOrder``.
public struct AggregateOutcome: Hashable, Sendable {
    /// The digest of the exact ring sums and weights.
    public let sumDigest: Digest
    /// The object id of the new adapter state.
    public let adapterDigest: ObjectID

    /// Pairs the two digests.
    public init(sumDigest: Digest, adapterDigest: ObjectID) {
        self.sumDigest = sumDigest
        self.adapterDigest = adapterDigest
    }
}
