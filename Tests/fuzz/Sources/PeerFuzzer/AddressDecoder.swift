@testable internal import LibP2P

/// Addresses and peer ids, as bytes and as text.
enum AddressDecoder: PeerDecoder {
    static var seeds: [[UInt8]] {
        Samples.addresses.map(\.bytes) + Samples.addressTexts.map { Array($0.utf8) }
            + [Samples.peers[0].bytes, Array(Samples.peers[0].description.utf8)]
            + ["10.0.0.0/8", "fe80::/10"].map { Array($0.utf8) }
    }

    static func read(_ input: [UInt8]) {
        if let address = try? Multiaddr(bytes: input) {
            look(at: address)
            if address.components.allSatisfy({ $0.name != nil }) {
                precondition(Multiaddr.encode(address.components) == input, "not canonical")
            }
        }
        _ = try? PeerID(multihash: input)
        _ = try? PublicKeyEncoding.decode(input)
        _ = try? PrivateKeyEncoding.decode(input)
        guard let text = String(validating: input, as: UTF8.self) else { return }
        if let address = try? Multiaddr(text) {
            look(at: address)
            precondition((try? Multiaddr(bytes: address.bytes)) == address, "bytes differ")
            precondition((try? Multiaddr(address.description)) == address, "text differs")
        }
        if let peer = try? PeerID(parsing: text) {
            precondition((try? PeerID(parsing: peer.description)) == peer, "a peer id differs")
        }
        _ = IPNetwork(text)
    }

    private static func look(at address: Multiaddr) {
        _ = address.description
        _ = address.tcpEndpoint
        _ = address.isUnspecified
        if let named = try? address.appending(Samples.peers[0]) {
            precondition(named.peerID == Samples.peers[0], "the peer that was named")
            _ = named.removingPeerID()
        }
    }
}
