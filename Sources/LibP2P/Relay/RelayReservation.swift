internal import FoundationEssentials

/// A relay's word that it takes circuits for a peer until some time.
public struct RelayReservation: Hashable, Sendable {
    /// Until when, in Unix seconds by the relay's clock.
    public let expirationSeconds: UInt64
    /// Where the relay can be dialled, at most ``RelayProtocol/addressCountMax``.
    public let addresses: [Multiaddr]
    /// The envelope of a ``ReservationVoucher``, not verified yet; nil where the relay gave none.
    public let voucher: [UInt8]?

    /// Makes a reservation; what is beyond the bound is left out.
    public init(expirationSeconds: UInt64, addresses: [Multiaddr], voucher: [UInt8]?) {
        self.expirationSeconds = expirationSeconds
        self.addresses = Array(addresses.prefix(RelayProtocol.addressCountMax))
        self.voucher = voucher
    }

    /// Checks what a relay granted to a peer.
    ///
    /// A voucher is optional on the wire; one that is there has to hold.
    /// - Throws: what ``ReservationVoucher/open(_:)`` throws, and `peerMismatch` for a voucher of
    ///   another relay or for another peer.
    public func verify(relay: PeerID, peer: PeerID) throws(LibP2PError) {
        guard let voucher else { return }
        let opened = try ReservationVoucher.open(voucher)
        guard opened.relay == relay else {
            throw .peerMismatch(expected: relay, actual: opened.relay)
        }
        guard opened.peer == peer else {
            throw .peerMismatch(expected: peer, actual: opened.peer)
        }
    }

    /// Where a peer with this reservation can be dialled: the addresses of the relay that it tells,
    /// or else the one by which this node knows it.
    ///
    /// Addresses that name another peer than the relay, or that are themselves relayed, are left
    /// out.
    public func circuitAddresses(of peer: PeerID, relay: PeerID, known: Multiaddr?) -> [Multiaddr] {
        let told = addresses.isEmpty ? [known].compactMap(\.self) : addresses
        var circuits: [Multiaddr] = []
        for address in told {
            guard address.tcpEndpoint != nil, !address.isUnspecified,
                address.peerID == nil || address.peerID == relay,
                let circuit = try? Multiaddr(relay: address.appending(relay), target: peer),
                !circuits.contains(circuit)
            else { continue }
            circuits.append(circuit)
        }
        return circuits
    }

    init(_ message: RelayReservationMessage) {
        self.init(
            expirationSeconds: message.expire,
            addresses: Multiaddr.readable(
                message.addrs.map { Array($0) }, countMax: RelayProtocol.addressCountMax),
            voucher: message.hasVoucher && !message.voucher.isEmpty
                ? Array(message.voucher) : nil)
    }

    var message: RelayReservationMessage {
        var message = RelayReservationMessage()
        message.expire = expirationSeconds
        message.addrs = addresses.map { Data($0.bytes) }
        if let voucher { message.voucher = Data(voucher) }
        return message
    }
}
