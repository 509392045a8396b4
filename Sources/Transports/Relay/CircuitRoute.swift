internal import LibP2P

/// How a relayed connection goes.
struct CircuitRoute: Sendable {
    /// The relay.
    let relay: PeerID
    /// What the relay lets through.
    let limit: CircuitLimit
    /// The way as this side sees it, `/…/p2p/RELAY/p2p-circuit`.
    let address: Multiaddr
}
