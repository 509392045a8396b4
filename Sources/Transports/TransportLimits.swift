/// The bounds that a swarm keeps, whoever its peers are.
///
/// Source: docs/PROTOCOL.md and the network specification, section 11.
public struct TransportLimits: Hashable, Sendable {
    /// Connections of the whole swarm.
    ///
    /// 192 sockets fit a soft limit of 256 descriptors with room for the store.
    public var connectionCountMax = 192
    /// Inbound connections from one IP address; go-libp2p's figure.
    public var connectionCountMaxPerAddress = 8
    /// Connections with one peer: one, and a second while crossing dials are resolved.
    public var connectionCountMaxPerPeer = 2
    /// Inbound upgrades that one IP address may have under way.
    public var upgradeCountMaxPerAddress = 8
    /// Whether the two bounds per IP address hold for loopback addresses too.
    public var countsLoopback = false
    /// Bytes of grown stream windows and received, unread stream data of all connections.
    public var memoryByteCountMax = 256 << 20
    /// Time for a TCP connection to a remote host.
    public var dialTimeout = Duration.seconds(15)
    /// Time for a TCP connection to a loopback or private address.
    public var localDialTimeout = Duration.seconds(5)
    /// Time for one step of an upgrade: security, handshake or muxer.
    public var negotiationTimeout = Duration.seconds(10)
    /// Time to agree on a stream's protocol.
    public var streamNegotiationTimeout = Duration.seconds(10)
    /// Time for a whole inbound upgrade.
    public var upgradeTimeout = Duration.seconds(15)
    /// Time for the echo of one ping.
    public var pingTimeout = Duration.seconds(10)
    /// Time after which an idle inbound ping stream is closed.
    public var pingIdleTimeout = Duration.seconds(30)
    /// Inbound ping streams per connection.
    public var inboundPingStreamCountMax = 2
    /// Identify pushes that one connection may send in a minute.
    public var identifyPushCountMaxPerMinute = 10
    /// Proposals of unknown protocols within ten seconds that are answered at once; later ones
    /// are answered after `refusalDelay`.
    public var promptRefusalCountMax = 8
    /// The delay of a refusal once a peer has made too many unknown proposals.
    public var refusalDelay = Duration.milliseconds(250)
    /// Bytes of one length-prefixed message where a reader names no bound of its own.
    public var messageByteCountMax = 1 << 20
    /// Time that an ended connection gives to bytes already queued, and to a peer to close too.
    public var closeTimeout = Duration.seconds(1)

    /// The limits of the specification.
    public init() {}
}
