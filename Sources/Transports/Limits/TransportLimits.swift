/// The bounds that a swarm keeps, whoever its peers are.
///
/// Source: docs/protocol/transport.md and the network specification, section 11.
public struct TransportLimits: Hashable, Sendable {
    /// Connections of the whole swarm.
    ///
    /// 192 sockets fit a soft limit of 256 descriptors with room for the store.
    public var connectionCountMax = 192
    /// Connections that others may have opened; the rest is for the node's own dials, so that
    /// strangers who fill all places cannot cut it off.
    public var inboundConnectionCountMax = 160
    /// Inbound connections from one IP address; go-libp2p's figure.
    public var connectionCountMaxPerAddress = 8
    /// How many addresses' worth of inbound connections one IPv6 network of 64 bits may have: a LAN of
    /// honest nodes is one, and so is a single host with as many addresses as it likes.
    public var addressCountMaxPerSite = 5
    /// Connections with one peer: one, and a second while crossing dials are resolved.
    public var connectionCountMaxPerPeer = 2
    /// Inbound upgrades that one IP address may have under way.
    public var upgradeCountMaxPerAddress = 8
    /// Inbound circuits of one relay that may be under way: twice a group of 16, all of which come
    /// at once when a relay is back.
    public var upgradeCountMaxPerRelay = 32
    /// Whether the two bounds per IP address hold for loopback addresses too.
    public var countsLoopback = false
    /// Streams of all connections together, twice go-libp2p's figure: 48 peers with 80 streams each.
    public var streamCountMax = 4_096
    /// Streams with one peer, opened by either side: the 256 that it may open, and as many of ours.
    public var streamCountMaxPerPeer = 512
    /// Streams that a peer may have open; half of Rust's figure.
    public var inboundStreamCountMaxPerConnection = 256
    /// Streams of one protocol that a peer may have open: half of all, so that one protocol leaves
    /// room for the others; go-libp2p allows 64.
    public var inboundStreamCountMaxPerProtocol = 128
    /// Streams that a peer may open in a second, in the long run: what a fetch of many small
    /// objects asks for, ten times over.
    public var streamOpenRatePerSecond = 50
    /// Streams that a peer may open at once.
    public var streamOpenBurst = 200
    /// Frames of a peer that move nothing, per second in the long run.
    ///
    /// Honest peers send a ping now and then; a release build takes a hundred times as many in its
    /// stride.
    public var idleFrameRatePerSecond = 2_000
    /// The same at once: what a window of 16 MiB in frames of 1 KiB leaves behind when its stream
    /// is reset.
    public var idleFrameBurst = 16_384
    /// Bytes of grown stream windows and received, unread stream data of all connections.
    public var memoryByteCountMax = 256 << 20
    /// The same of one peer: two streams at the greatest window, and as much again unread.
    public var memoryByteCountMaxPerPeer = 64 << 20
    /// Bytes a second to all peers together; nil means no bound.
    public var sentBytesPerSecondMax: Int?
    /// Bytes a second from all peers together; nil means no bound.
    public var receivedBytesPerSecondMax: Int?
    /// Bytes a second to one peer; nil means no bound.
    public var sentBytesPerSecondMaxPerPeer: Int?
    /// Bytes a second from one peer; nil means no bound.
    public var receivedBytesPerSecondMaxPerPeer: Int?
    /// Time for a TCP connection to a remote host.
    public var dialTimeout = Duration.seconds(15)
    /// Time for a TCP connection to a loopback or private address.
    public var localDialTimeout = Duration.seconds(5)
    /// Time to look a name up.
    public var lookUpTimeout = Duration.seconds(5)
    /// Time for one step of an upgrade: security, handshake or muxer.
    public var negotiationTimeout = Duration.seconds(10)
    /// Time to agree on a stream's protocol.
    public var streamNegotiationTimeout = Duration.seconds(10)
    /// Time for a whole inbound upgrade.
    public var upgradeTimeout = Duration.seconds(15)
    /// Time for a relay, or the far end of a circuit, to answer.
    public var circuitTimeout = Duration.seconds(15)
    /// Time that the streams of a relayed connection have once there is a direct one: enough for most
    /// transfers, and what is broken off is fetched on.
    public var relayedGrace = Duration.seconds(30)
    /// Time that the streams of a connection have that gives way to another where two dials crossed:
    /// long, since nothing is gained but a descriptor, and peers of other programs may have streams
    /// there that they open once.
    public var crossedGrace = Duration.seconds(300)
    /// Time in which a connection has to show that its peer lives, where another process with the
    /// peer's identity has connected.
    public var livenessTimeout = Duration.seconds(5)
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
