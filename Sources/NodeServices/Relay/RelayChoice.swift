internal import LibP2P

/// By which relays a node may be reachable, as its settings say.
enum RelayChoice: Equatable {
    /// None.
    case off
    /// Peers that offer the service, where others cannot dial this node.
    case automatic
    /// These, always.
    case configured([Multiaddr])

    /// Reads the setting `relay`.
    ///
    /// - Throws: ``NodeError`` with code `invalidInput` for what is no relay's address.
    init(_ texts: [String]?) throws(NodeError) {
        guard let texts, !texts.isEmpty, texts != ["auto"] else {
            self = .automatic
            return
        }
        guard texts != ["none"] else {
            self = .off
            return
        }
        var addresses: [Multiaddr] = []
        for text in texts {
            guard let address = try? Multiaddr(text), address.tcpEndpoint != nil,
                !address.isUnspecified, address.peerID != nil
            else {
                throw NodeError(
                    .invalidInput,
                    "'\(text)' (relay) is no address of a relay; write "
                        + "/ip4/203.0.113.5/tcp/7411/p2p/12D3Koo…, auto or none.")
            }
            addresses.append(address)
        }
        self = .configured(addresses)
    }
}
