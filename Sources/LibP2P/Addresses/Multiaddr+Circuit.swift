/// Addresses through a relay: `/…/p2p/RELAY/p2p-circuit/p2p/TARGET`.
extension Multiaddr {
    /// The way to a peer through a relay.
    public struct Circuit: Hashable, Sendable {
        /// Where the relay is dialled, with its peer id.
        public let relayAddress: Multiaddr
        /// The relay.
        public let relay: PeerID
        /// The peer at the end; nil where the address does not name it.
        public let target: PeerID?
    }

    /// The address of a peer through a relay whose own address ends in its peer id.
    ///
    /// - Parameter target: The peer at the end; nil for the way as seen from the peer itself.
    /// - Throws: `malformed` for a relay that is not dialled over TCP or not named, `tooLarge`.
    public init(relay: Multiaddr, target: PeerID?) throws(LibP2PError) {
        guard relay.tcpEndpoint != nil, relay.peerID != nil else { throw .malformed(.multiaddr) }
        var parts = relay.components
        parts.append(Component(AddressProtocol.circuit, value: []))
        if let target { parts.append(Component(AddressProtocol.p2p, value: target.bytes)) }
        try self.init(components: parts)
    }

    /// Whether the way leads through a relay, one or several.
    public var isRelayed: Bool {
        components.contains { $0.code == AddressProtocol.circuit.code }
    }

    /// The way through one relay that is named and dialled over TCP; nil for any other address.
    public var circuit: Circuit? {
        guard let index = components.firstIndex(where: { $0.code == AddressProtocol.circuit.code }),
            let before = try? Multiaddr(components: Array(components[..<index])),
            before.tcpEndpoint != nil, let relay = before.peerID
        else { return nil }
        let rest = components[(index + 1)...]
        if rest.isEmpty { return Circuit(relayAddress: before, relay: relay, target: nil) }
        guard rest.count == 1, let last = rest.first, last.code == AddressProtocol.p2p.code,
            let target = PeerID(bytes: last.value)
        else { return nil }
        return Circuit(relayAddress: before, relay: relay, target: target)
    }

    /// Whether a node can dial it: plain TCP, or one relay to a named peer.
    public var isDialable: Bool {
        if let circuit { return circuit.target != nil && !isUnspecified }
        return tcpEndpoint != nil && !isUnspecified
    }
}
