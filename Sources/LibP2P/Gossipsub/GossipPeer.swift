/// How a peer is connected, as far as gossip is concerned.
public struct GossipPeer: Hashable, Sendable {
    /// Whether this node has dialled the peer.
    public var isOutbound: Bool
    /// What the peer speaks.
    public var version: GossipVersion
    /// What counts as one address for the score; nil for an address that counts for nothing, such
    /// as a loopback one.
    public var addressGroup: String?

    /// Describes a peer.
    public init(isOutbound: Bool, version: GossipVersion = .v11, addressGroup: String? = nil) {
        self.isOutbound = isOutbound
        self.version = version
        self.addressGroup = addressGroup
    }
}

/// The versions of gossipsub that this node speaks.
public enum GossipVersion: String, Hashable, Sendable, CaseIterable {
    /// Back-offs, peer exchange and scores.
    case v11 = "/meshsub/1.1.0"
    /// The mesh alone.
    case v10 = "/meshsub/1.0.0"

    /// The protocol id that a stream negotiates.
    public var protocolID: String { rawValue }
}
