/// What a dialer needs to know of an address.
extension Multiaddr {
    /// Host and port where this is plain TCP, with or without a peer id, and nothing else.
    ///
    /// The host is an IP address (with its zone after `%`) or a name. Nil for relayed addresses,
    /// for other transports, and for `dnsaddr`, which stands for a list of addresses.
    public var tcpEndpoint: (host: String, port: UInt16)? {
        var rest = components[...]
        var zone: String?
        if rest.first?.code == AddressProtocol.ip6zone.code { zone = rest.removeFirst().text }
        guard let first = rest.popFirst(), var host = first.text else { return nil }
        switch first.code {
        case AddressProtocol.ip6.code:
            if let zone { host += "%" + zone }
        case AddressProtocol.ip4.code, AddressProtocol.dns.code, AddressProtocol.dns4.code,
            AddressProtocol.dns6.code:
            guard zone == nil else { return nil }
        default:
            return nil
        }
        guard let tcp = rest.popFirst(), tcp.code == AddressProtocol.tcp.code,
            tcp.value.count == 2
        else { return nil }
        if rest.first?.code == AddressProtocol.p2p.code { rest.removeFirst() }
        guard rest.isEmpty else { return nil }
        return (host, UInt16(tcp.value[0]) << 8 | UInt16(tcp.value[1]))
    }

    /// The peer at the end of the way: the address's last component, where that is a peer id.
    public var peerID: PeerID? {
        guard let last = components.last, last.code == AddressProtocol.p2p.code else { return nil }
        return PeerID(bytes: last.value)
    }

    /// The same address, ending in this peer id instead of any other.
    ///
    /// - Throws: `tooLarge`.
    public func appending(_ peer: PeerID) throws(LibP2PError) -> Multiaddr {
        var parts = removingPeerID().components
        parts.append(Component(AddressProtocol.p2p, value: peer.bytes))
        return try Multiaddr(components: parts)
    }

    /// The same address without the peer id at its end.
    public func removingPeerID() -> Multiaddr {
        guard peerID != nil else { return self }
        do {
            return try Multiaddr(components: components.dropLast())
        } catch {
            preconditionFailure("an address became longer by losing a part: \(error)")
        }
    }

    /// Whether the host is the wildcard `0.0.0.0` or `::`, which can be listened on, not dialed.
    public var isUnspecified: Bool {
        guard let first = components.first(where: { $0.code != AddressProtocol.ip6zone.code }),
            first.code == AddressProtocol.ip4.code || first.code == AddressProtocol.ip6.code
        else { return false }
        return first.value.allSatisfy { $0 == 0 }
    }
}
