public import Cryptography
public import LibP2P

/// What a swarm is told once, before it starts.
public struct SwarmConfiguration: Sendable {
    /// The key that proves this node's identity.
    public var identity: SigningKey
    /// Where to accept connections; port 0 takes a free one, and none is allowed.
    public var listenAddresses: [Multiaddr]
    /// Addresses told to peers in place of the bound ones; empty means the bound ones.
    public var advertisedAddresses: [Multiaddr] = []
    /// `agentVersion` of identify.
    public var agentVersion: String
    /// `protocolVersion` of identify, `/starling/<swarm>/1`.
    public var protocolVersion: String
    /// Streams whose protocol begins with one of these go before bulk ones on the wire.
    public var promptProtocolPrefixes = ["/meshsub/", "/ipfs/"]
    /// The key of a private network, which lies under every connection; nil for an open one.
    public var networkKey: NetworkKey?
    /// What this node gives to others as a relay; nil where it is none.
    public var relay: RelayHopSettings?
    /// What a circuit through a relay has to carry in each direction; bulk streams are not opened
    /// over one that carries less.
    public var circuitByteCountMin: UInt64 = 0
    /// The IP addresses that may be dialled, as text; nil for all.
    ///
    /// Where there are any, names to dial count as given by strangers.
    public var dialledHosts: Set<String>?
    /// Whether a peer's stream of a registered protocol is answered; others are reset.
    public var mayServe: @Sendable (PeerID, String) -> Bool = { _, _ in true }
    /// What tells this process from another with the same identity; identify's agentVersion has it
    /// in parentheses behind the program.
    public var instanceTag: String?
    /// The bounds to keep.
    public var limits: TransportLimits

    /// What identify tells as agentVersion.
    var fullAgentVersion: String {
        instanceTag.map { "\(agentVersion) (\($0))" } ?? agentVersion
    }

    /// Makes a configuration.
    public init(
        identity: SigningKey,
        listenAddresses: [Multiaddr],
        agentVersion: String,
        protocolVersion: String,
        limits: TransportLimits = TransportLimits()
    ) {
        self.identity = identity
        self.listenAddresses = listenAddresses
        self.agentVersion = agentVersion
        self.protocolVersion = protocolVersion
        self.limits = limits
    }
}
