/// The numbers by which a node keeps itself reachable through relays.
public struct RelayClientSettings: Hashable, Sendable {
    /// Relays that are found on the way and used at a time.
    ///
    /// One may die without anybody noticing for a while. Configured relays are all used.
    public var relayCountTarget = 2
    /// The bytes that a circuit has to carry; relays that are found and carry fewer are not used.
    public var byteCountMin: UInt64 = 0
    /// The wait after a refusal; it doubles with each further one.
    public var retryWait = Duration.seconds(5)
    /// The longest wait.
    public var retryWaitMax = Duration.seconds(300)
    /// The wait after a relay has proved unfit.
    public var unfitWait = Duration.seconds(3_600)
    /// The part of its life after which a reservation is renewed: late enough to be cheap, early
    /// enough for a second attempt.
    public var refreshShare = 0.6
    /// The shortest life that is believed; a relay whose clock is behind names a time that is past.
    public var lifeMin = Duration.seconds(2)
    /// The longest life that is believed.
    public var lifeMax = Duration.seconds(86_400)

    /// The defaults.
    public init() {}
}
