public import LibP2P

/// What happens on a swarm's connections.
///
/// Legal order for one peer: `connected`, any number of `identified`, `disconnected`; then again.
/// Second connections with a peer are not reported.
public enum SwarmEvent: Sendable {
    /// The first connection with a peer is ready.
    case connected(PeerID, address: Multiaddr, isDialer: Bool)
    /// The last connection with a peer ended.
    case disconnected(PeerID, reason: DisconnectReason)
    /// The peer described itself, or pushed a change of its description.
    ///
    /// The signed record is there only if it verifies and belongs to this peer.
    case identified(PeerID, IdentifyMessage, record: PeerRecord?)
}
