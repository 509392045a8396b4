public import LibP2P

/// Who may not be connected with: peers, and ranges of IP addresses.
public struct Bans: Hashable, Sendable {
    /// Banned peers.
    public var peers: Set<PeerID>
    /// Banned ranges of addresses.
    public var networks: [IPNetwork]

    /// Bans nobody, or these.
    public init(peers: Set<PeerID> = [], networks: [IPNetwork] = []) {
        self.peers = peers
        self.networks = networks
    }

    /// Whether a peer is banned by its id.
    public func contains(_ peer: PeerID) -> Bool { peers.contains(peer) }

    /// Whether an IP address, as text, is in a banned range.
    public func contains(host: String) -> Bool {
        networks.contains { $0.contains(host: host) }
    }

    /// Whether dialling an address would be refused; names are looked up only when they are dialled.
    public func contains(_ address: Multiaddr) -> Bool {
        if let peer = address.peerID, contains(peer) { return true }
        return address.tcpEndpoint.map { contains(host: $0.host) } ?? false
    }
}
