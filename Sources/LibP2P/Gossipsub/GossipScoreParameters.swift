internal import Glibc

/// What counts for and against a peer, and where a score has consequences.
///
/// The names P1 to P7 are those of the source.
///
/// Source: gossipsub v1.1, sections on peer scoring; the values are the network specification's,
/// section 8.9.
public struct GossipScoreParameters: Hashable, Sendable {
    /// The topics' parameters where they differ from ``defaultTopic``.
    public var topics: [String: GossipTopicScoreParameters] = [:]
    /// The parameters of every other topic.
    public var defaultTopic = GossipTopicScoreParameters()
    /// The most that all topics together add; 0 for no bound.
    public var topicScoreMax = 0.0
    /// P5: the weight of what the application thinks.
    public var applicationWeight = 1.0
    /// P6: the weight of the squared surplus of peers behind one address; not positive.
    public var colocationWeight = -10.0
    /// P6: peers behind one address that are no surplus.
    public var colocationThreshold = 10
    /// P7: the weight of the squared broken promises and GRAFTs during back-off; not positive.
    public var behaviourWeight = -10.0
    /// P7: offences that are forgiven.
    public var behaviourThreshold = 0.0
    /// P7: what is left of an offence after one ``decayInterval``.
    public var behaviourDecay = Self.decay(over: .seconds(600))
    /// The time between two decays.
    public var decayInterval = Duration.seconds(1)
    /// Counters below this are zero.
    public var decayToZero = Self.zero
    /// How long the score of a peer that left is kept, without decay.
    ///
    /// Otherwise a peer would lose a bad score by coming back.
    public var retention = Duration.seconds(1800)
    /// The scores of peers that left and are kept; those that end first go first.
    public var retainedCountMax = 4_096
    /// Below it a peer's announcements are ignored, and it hears of none.
    public var gossipThreshold = -10.0
    /// Below it a peer gets no messages of this node's own.
    public var publishThreshold = -50.0
    /// Below it everything from a peer is ignored.
    public var graylistThreshold = -80.0
    /// From it on the peers that a PRUNE tells of are dialled.
    public var exchangeThreshold = 10.0
    /// A mesh whose median score is below it takes in better peers.
    public var opportunisticGraftThreshold = 1.0

    /// The starting values of the specification.
    public init() {}

    private static let zero = 0.01

    /// The factor by which a counter of 1 falls to 0.01 within a time, at one decay a second.
    public static func decay(
        over time: Duration, interval: Duration = .seconds(1)
    ) -> Double {
        pow(zero, interval / time)
    }

    func topic(_ name: String) -> GossipTopicScoreParameters { topics[name] ?? defaultTopic }
}

/// What counts for and against a peer within one topic.
public struct GossipTopicScoreParameters: Hashable, Sendable {
    /// The weight of the topic.
    public var topicWeight = 1.0
    /// P1: the weight of the time in the mesh.
    public var meshTimeWeight = 0.01
    /// P1: the unit of time in the mesh.
    public var meshTimeQuantum = Duration.seconds(1)
    /// P1: the most units that count.
    public var meshTimeMax = 3_600.0
    /// P2: the weight of messages that the peer brought first.
    public var firstDeliveryWeight = 1.0
    /// P2: what is left of them after one decay interval.
    public var firstDeliveryDecay = GossipScoreParameters.decay(over: .seconds(600))
    /// P2: the most that count.
    public var firstDeliveryMax = 50.0
    /// P3: the weight of the squared deficit of deliveries within the mesh; 0 switches it off.
    ///
    /// It is off: with a few messages a round a deficit says nothing.
    public var meshDeliveryWeight = 0.0
    /// P3: what is left of the deliveries after one decay interval.
    public var meshDeliveryDecay = GossipScoreParameters.decay(over: .seconds(600))
    /// P3: deliveries below which there is a deficit.
    public var meshDeliveryThreshold = 1.0
    /// P3: the most deliveries that count.
    public var meshDeliveryMax = 50.0
    /// P3: how long after the first copy a repetition still counts as a delivery.
    public var meshDeliveryWindow = Duration.milliseconds(10)
    /// P3: the time in the mesh before a deficit counts.
    public var meshDeliveryActivation = Duration.seconds(60)
    /// P3b: the weight of deficits with which the peer left the mesh; 0 switches it off.
    public var meshFailureWeight = 0.0
    /// P3b: what is left of them after one decay interval.
    public var meshFailureDecay = GossipScoreParameters.decay(over: .seconds(600))
    /// P4: the weight of the squared number of rejected messages.
    public var invalidDeliveryWeight = -100.0
    /// P4: what is left of them after one decay interval.
    public var invalidDeliveryDecay = GossipScoreParameters.decay(over: .seconds(3_600))

    /// The starting values of the specification.
    public init() {}
}
