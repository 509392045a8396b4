import Testing

@testable import LibP2P

@Suite struct CircuitAddressTests {
    private static let relay = Fixtures.initiatorID
    private static let target = Fixtures.responderID
    private static let way = "/ip4/203.0.113.5/tcp/7411/p2p/\(relay)/p2p-circuit"

    @Test func `a relayed address names relay and target`() throws {
        let address = try Multiaddr("\(Self.way)/p2p/\(Self.target)")
        let circuit = try #require(address.circuit)
        #expect(circuit.relay == Self.relay && circuit.target == Self.target)
        #expect(circuit.relayAddress.description == "/ip4/203.0.113.5/tcp/7411/p2p/\(Self.relay)")
        #expect(address.isRelayed && address.isDialable && address.tcpEndpoint == nil)
        #expect(address.peerID == Self.target)
        #expect(try Multiaddr(relay: circuit.relayAddress, target: circuit.target) == address)
        #expect(try Multiaddr(bytes: address.bytes) == address)
    }

    @Test func `without its end it is a way, and not to be dialled`() throws {
        let way = try Multiaddr(Self.way)
        #expect(way.circuit?.target == nil && way.circuit?.relay == Self.relay)
        #expect(way.isRelayed && !way.isDialable && way.peerID == nil)
        #expect(try way.appending(Self.target).isDialable)
        #expect(try way.appending(Self.target).removingPeerID() == way)
    }

    @Test(arguments: [
        "/p2p-circuit", "/p2p-circuit/p2p/\(target)",
        "/ip4/203.0.113.5/tcp/7411/p2p-circuit/p2p/\(target)",
        "/ip4/203.0.113.5/udp/7411/quic-v1/p2p/\(relay)/p2p-circuit/p2p/\(target)",
        "\(way)/p2p/\(relay)/p2p-circuit/p2p/\(target)", "\(way)/tcp/1",
        "\(way)/p2p/\(target)/tcp/1",
    ])
    func `no other form is a circuit`(text: String) throws {
        let address = try Multiaddr(text)
        #expect(address.circuit == nil && address.isRelayed && !address.isDialable)
    }

    @Test func `plain addresses are dialled as before`() throws {
        #expect(try Multiaddr("/ip4/203.0.113.5/tcp/7411").isDialable)
        #expect(try Multiaddr("/dns/example.org/tcp/7411/p2p/\(Self.target)").isDialable)
        #expect(try !Multiaddr("/ip4/0.0.0.0/tcp/7411").isDialable)
        #expect(try !Multiaddr("/ip4/203.0.113.5/udp/7411").isDialable)
        #expect(throws: LibP2PError.malformed(.multiaddr)) {
            try Multiaddr(
                relay: Multiaddr("/ip4/203.0.113.5/tcp/7411"), target: Self.target)
        }
    }

    @Test func `a signed record yields relayed addresses too`() throws {
        let record = try PeerRecord(
            peerID: Self.target, sequenceNumber: 1,
            addresses: [Multiaddr(Self.way), Multiaddr("/ip4/10.0.0.1/udp/1")]
        ).sealed(by: Fixtures.responder)
        let signed = try SignedPeerRecord(envelope: record.bytes)
        #expect(signed.dialableAddresses.map(\.description) == ["\(Self.way)/p2p/\(Self.target)"])
    }
}
