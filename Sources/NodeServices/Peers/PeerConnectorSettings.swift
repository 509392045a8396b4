/// The numbers by which a node finds and keeps its connections.
public struct PeerConnectorSettings: Hashable, Sendable {
    /// Connections that are aimed for, the middle of the specification's 16 to 24.
    ///
    /// Wanted peers are dialled beyond it.
    public var connectionCountTarget = 20
    /// Above this many connections, those that nobody needs are closed; the specification's figure.
    ///
    /// A bootstrap node sets it to the limit of its connections.
    public var connectionCountHigh = 48
    /// A connection so young is not closed for being one too many: it has just been let in, and
    /// learns of others first.
    public var surplusGrace = Duration.seconds(30)
    /// Dials under way at a time.
    public var dialCountMax = 8
    /// The wait after the first failure; it doubles with each further one.
    public var retryWait = Duration.seconds(5)
    /// The wait after the first failure of a loopback address, where nothing is gained by waiting
    /// longer for a neighbour that is about to start.
    public var loopbackRetryWait = Duration.seconds(1)
    /// The longest wait.
    public var retryWaitMax = Duration.seconds(300)
    /// A wait is changed by up to this part of it, so that nodes do not knock in step.
    public var retryJitter = 0.2
    /// A connection that lasted so long was a good one: the next wait is again the first one.
    public var goodConnectionAge = Duration.seconds(10)
    /// The time after an answered dial in which the connection is expected to be reported.
    public var settleTime = Duration.seconds(1)
    /// The time from one peer exchange to the next.
    public var exchangeInterval = Duration.seconds(30)
    /// The time by which an interval may be longer or shorter.
    public var exchangeJitter = Duration.seconds(5)
    /// A peer that asks again within this time is not answered.
    public var exchangeServeInterval = Duration.seconds(10)
    /// The time for one exchange.
    public var exchangeDeadline = Duration.seconds(10)
    /// The least time between two writes of the passive view.
    public var persistInterval = Duration.seconds(10)
    /// Addresses kept of one peer beside those of its record.
    public var addressCountMax = 16

    /// The defaults.
    public init() {}
}
