import Cryptography
import Testing

@testable import LibP2P

@Suite struct MultiaddrTests {
    static let peer = "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"
    static let relay = "12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq"

    @Test(arguments: [
        ("/ip4/127.0.0.1/tcp/45021", "04 7f000001 06 afdd"),
        ("/ip4/127.0.0.1/tcp/4001", "04 7f000001 06 0fa1"),
        ("/ip6/::1/tcp/80", "29 00000000000000000000000000000001 06 0050"),
        ("/dns4/a.example/udp/53/quic-v1", "36 09 612e6578616d706c65 91 02 0035 cd03"),
        ("/unix/tmp/x.sock", "9003 0b 2f746d702f782e736f636b"),
        (
            "/ip6zone/eth0/ip6/fe80::1/tcp/1",
            "2a 04 65746830 29 fe80000000000000 0000000000000001 06 0001"
        ),
        ("/memory/7", "8906 01 37"),
        ("/ip4/1.2.3.4/tcp/443/tls/ws", "04 01020304 06 01bb c003 dd03"),
    ])
    func `texts and bytes correspond`(text: String, bytes: String) throws {
        #expect(try Multiaddr(text).bytes == hex(bytes))
        #expect(try Multiaddr(bytes: hex(bytes)).description == text)
        #expect(try Multiaddr(bytes: hex(bytes)) == Multiaddr(text))
    }

    @Test(arguments: [
        "/ip4/0.0.0.0/tcp/0", "/ip6/2001:db8::8:800:200c:417a/udp/9", "/dnsaddr/example.org",
        "/ip4/1.2.3.4/tcp/1/p2p/\(peer)", "/dns/x/tcp/1/wss", "/dns6/x/tcp/1/noise",
        "/ip4/1.2.3.4/tcp/4001/p2p/\(relay)/p2p-circuit/p2p/\(peer)",
        "/ip4/1.2.3.4/udp/4001/quic-v1/webtransport/certhash/uEiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw",
    ])
    func `every protocol of the table is read and printed`(text: String) throws {
        let address = try Multiaddr(text)
        #expect(address.description == text)
        #expect(try Multiaddr(bytes: address.bytes) == address)
        #expect(try Multiaddr(bytes: address.bytes).components == address.components)
    }

    @Test func `the older name of p2p and a slash at the end are read`() throws {
        let address = try Multiaddr("/ip4/1.2.3.4/tcp/1/ipfs/\(Self.peer)/")
        #expect(address.description == "/ip4/1.2.3.4/tcp/1/p2p/\(Self.peer)")
    }

    @Test func `an unknown code keeps the rest as it is`() throws {
        let bytes = hex("04 7f000001 06 0fa1 b109 0102030405")
        let address = try Multiaddr(bytes: bytes)
        #expect(address.bytes == bytes)
        #expect(address.components.count == 3)
        #expect(address.components.last?.name == nil)
        #expect(address.components.last?.value == [1, 2, 3, 4, 5])
        #expect(address.description == "/ip4/127.0.0.1/tcp/4001/?1201/0102030405")
        #expect(address.tcpEndpoint == nil)
    }

    @Test func `endpoints are those of plain TCP`() throws {
        func endpoint(_ text: String) throws -> String? {
            try Multiaddr(text).tcpEndpoint.map { "\($0.host) \($0.port)" }
        }
        #expect(try endpoint("/ip4/10.0.0.7/tcp/7411") == "10.0.0.7 7411")
        #expect(try endpoint("/ip4/10.0.0.7/tcp/7411/p2p/\(Self.peer)") == "10.0.0.7 7411")
        #expect(try endpoint("/dns4/a.b/tcp/1") == "a.b 1")
        #expect(try endpoint("/ip6/fe80::1/tcp/1") == "fe80::1 1")
        #expect(try endpoint("/ip6zone/eth0/ip6/fe80::1/tcp/1") == "fe80::1%eth0 1")
        #expect(try endpoint("/ip6zone/eth0/ip4/1.2.3.4/tcp/1") == nil)
        #expect(try endpoint("/ip4/10.0.0.7/udp/7411") == nil)
        #expect(try endpoint("/ip4/10.0.0.7/tcp/7411/ws") == nil)
        #expect(try endpoint("/ip4/10.0.0.7") == nil)
        #expect(try endpoint("/dnsaddr/a.b/tcp/1") == nil)
        #expect(try endpoint("/ip4/1.2.3.4/tcp/1/p2p/\(Self.relay)/p2p-circuit") == nil)
        #expect(try endpoint("/ip4/1.2.3.4/tcp/1/p2p/\(Self.relay)/p2p/\(Self.peer)") == nil)
    }

    @Test func `a host and a port become an address`() throws {
        #expect(try Multiaddr(tcpHost: "1.2.3.4", port: 5).description == "/ip4/1.2.3.4/tcp/5")
        #expect(try Multiaddr(tcpHost: "::1", port: 5).description == "/ip6/::1/tcp/5")
        #expect(
            try Multiaddr(tcpHost: "fe80::1%en0", port: 5).description
                == "/ip6zone/en0/ip6/fe80::1/tcp/5"
        )
        #expect(try Multiaddr(tcpHost: "a.example", port: 5).description == "/dns/a.example/tcp/5")
        #expect(throws: LibP2PError.self) { try Multiaddr(tcpHost: "", port: 5) }
    }

    @Test func `the peer id comes and goes at the end`() throws {
        let plain = try Multiaddr("/ip4/1.2.3.4/tcp/1")
        let full = try plain.appending(Fixtures.initiatorID)
        #expect(plain.peerID == nil)
        #expect(full.peerID == Fixtures.initiatorID)
        #expect(full.removingPeerID() == plain)
        #expect(plain.removingPeerID() == plain)
        #expect(try full.appending(Fixtures.responderID).peerID == Fixtures.responderID)
        #expect(try full.appending(Fixtures.responderID).removingPeerID() == plain)
        let relayed = try Multiaddr("/ip4/1.2.3.4/tcp/1/p2p/\(Self.relay)/p2p-circuit")
        #expect(relayed.peerID == nil)
        #expect(try Multiaddr("/p2p/\(Self.peer)").removingPeerID().components.isEmpty)
    }

    @Test func `wildcards are recognised`() throws {
        #expect(try Multiaddr("/ip4/0.0.0.0/tcp/1").isUnspecified)
        #expect(try Multiaddr("/ip6/::/tcp/1").isUnspecified)
        #expect(try !Multiaddr("/ip4/0.0.0.1/tcp/1").isUnspecified)
        #expect(try !Multiaddr("/dns/x/tcp/1").isUnspecified)
    }
}
