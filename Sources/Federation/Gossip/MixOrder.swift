public import Cryptography

/// States to average: the node's own and what arrived.
///
/// Everything that the outcome depends on is in here, in the objects that it names and in the
/// manifest: who holds those repeats it to the bit.
public struct MixOrder: Hashable, Sendable {
    /// The round that the own state is of.
    public let round: UInt64
    /// This node.
    public let member: PublicKey
    /// The own adapter state, as an object of ``AdapterStateCodec``.
    public let ownState: ObjectID
    /// The examples behind the own state; 0 for one that is not trained yet, which then does not
    /// count.
    public let ownExampleCount: Int
    /// What arrived, in ascending order of the members; objects of ``StateObject``.
    public let inputs: [UpdateSummary]
    /// The members on the node's roster, for the consensus distance.
    public let memberCount: Int

    /// Takes the fields.
    public init(
        round: UInt64, member: PublicKey, ownState: ObjectID, ownExampleCount: Int,
        inputs: [UpdateSummary], memberCount: Int
    ) {
        self.round = round
        self.member = member
        self.ownState = ownState
        self.ownExampleCount = ownExampleCount
        self.inputs = inputs
        self.memberCount = memberCount
    }

    /// Whether there is anything in the own state.
    var countsOwnState: Bool { ownExampleCount > 0 }

    /// The states that count.
    var countedStateCount: Int { inputs.count + (countsOwnState ? 1 : 0) }

    /// The round that ages count from, and the round of the outcome.
    public var newestRound: UInt64 {
        StalenessShares.newestRound(
            own: countsOwnState ? round : nil, others: inputs.map(\.round))
    }

    /// The shares: the own one first, then one for each input.
    public func shares(halfLife: Int) -> [Double] {
        StalenessShares.shares(
            of: parts, newestRound: newestRound, halfLife: halfLife)
    }

    /// The examples that the outcome stands for: the mean by shares, at least 1 if anything counts.
    public func exampleCount(halfLife: Int) -> Int {
        var mean = 0.0
        for (part, share) in zip(parts, shares(halfLife: halfLife)) {
            mean += share * Double(part.exampleCount)
        }
        return mean > 0 ? max(1, Int(mean.rounded())) : 0
    }

    private var parts: [StalenessShares.Part] {
        [.init(round: round, exampleCount: ownExampleCount)]
            + inputs.map { .init(round: $0.round, exampleCount: $0.exampleCount) }
    }
}

/// What a mean of states came to.
public struct MixOutcome: Hashable, Sendable {
    /// The object id of the new adapter state.
    public let adapterDigest: ObjectID
    /// How far the averaged states lie apart.
    public let distance: ConsensusDistance
    /// The greatest share of a pair's squared singular values that truncation dropped, 0...1.
    public let droppedEnergy: Double

    /// Takes the fields.
    public init(adapterDigest: ObjectID, distance: ConsensusDistance, droppedEnergy: Double) {
        self.adapterDigest = adapterDigest
        self.distance = distance
        self.droppedEnergy = droppedEnergy
    }
}
