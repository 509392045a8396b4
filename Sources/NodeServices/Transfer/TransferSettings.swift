/// The bounds and waits of object transfer.
public struct TransferSettings: Hashable, Sendable {
    /// Providers that an object is fetched from at the same time; the specification's figure.
    public var parallelProviderCountMax = 4
    /// How long a fetcher waits for the next chunk of a provider whose rate it does not know: 256
    /// KiB in that time is 9 kB/s, below which another provider is the better hope.
    public var chunkDeadline = Duration.seconds(30)
    /// The least wait for a chunk of a provider whose rate is known: a connection that stops for as
    /// long as a mobile link changes its cell is borne.
    public var chunkDeadlineMin = Duration.seconds(10)
    /// The greatest such wait: the whole first window of a link of 35 kB/s, four times over.
    public var chunkDeadlineMax = Duration.seconds(120)
    /// Attempts in a row without a chunk before a fetch gives a provider up: enough to bridge the
    /// reconnection after one lost connection.
    public var fruitlessAttemptCountMax = 4
    /// BUSY answers in a row, without a chunk between, before a fetch gives a provider up.
    public var busyCountMax = 60
    /// The wait after the first fruitless attempt; it doubles with each further one.
    public var retryWait = Duration.seconds(1)
    /// The longest wait, whatever a busy provider asks for.
    public var retryWaitMax = Duration.seconds(30)
    /// Streams that one peer is served on at a time; the specification's figure.
    public var uploadCountMaxPerPeer = 4
    /// Streams that are served in all: 32 chunks are 8 MiB.
    public var uploadCountMax = 32
    /// What a peer that is not served now is told to wait.
    public var busyRetryMilliseconds = 500
    /// BUSY answers on one stream before it is reset; a patient fetcher opens a new one.
    public var busyAnswerCountMax = 16
    /// How long a served stream may stand still before its slot is taken back.
    public var uploadIdleDeadline = Duration.seconds(60)

    /// The defaults.
    public init() {}
}
