import Testing

@testable import LibP2P

@Suite struct MultiaddrRefusalTests {
    @Test(arguments: [
        "", "ip4/1.2.3.4", "/", "//", "/ip4", "/ip4/", "/ip4/1.2.3", "/ip4/1.2.3.256",
        "/ip4/01.2.3.4", "/ip4/1.2.3.4.5", "/ip4/1.2.3.-4", "/ip6/:::", "/ip6/1::2::3",
        "/ip6/12345::",
        "/ip6/1:2:3:4:5:6:7:8:9", "/ip6/1:2:3:4:5:6:7", "/ip6/::g", "/ip6/1:2:3:4:5:6:7::8",
        "/ip6/:1:2:3:4:5:6:7", "/ip6/+1::2", "/tcp/65536", "/tcp/-1", "/tcp/+1", "/tcp/x", "/tcp/",
        "/tcp",
        "/dns", "/dns//tcp/1", "/p2p/xyz", "/p2p/", "/nonsense/1", "/ip4/1.2.3.4//tcp/1",
        "/certhash/x", "/dns/a\u{0}b/tcp/1", "/unix",
    ])
    func `wrong texts are refused`(text: String) {
        #expect(throws: LibP2PError.self) { try Multiaddr(text) }
    }

    @Test(arguments: [
        "", "04", "04 7f0000", "04 7f000001 06 0f", "8400 7f000001", "35 05 6162", "35 00",
        "35 02 c328",
        "35 03 612f62", "a503 00", "a503 02 0000", "9003 01 61", "d203 00",
        "35 ffffffffffffffff7f", "ffffffffffffffffff 01", "29 00", "2a 01 0a",
    ])
    func `wrong bytes are refused`(bytes: String) {
        #expect(throws: LibP2PError.self) { try Multiaddr(bytes: hex(bytes)) }
    }

    @Test func `what is too long is refused`() {
        let unknown = [0xb1, 0x09] + [UInt8](repeating: 1, count: Multiaddr.byteCountMax - 2)
        #expect(throws: Never.self) { try Multiaddr(bytes: unknown) }
        #expect(
            throws: LibP2PError.tooLarge(
                .multiaddr, byteCount: unknown.count + 1, byteCountMax: Multiaddr.byteCountMax
            )
        ) { try Multiaddr(bytes: unknown + [1]) }
        let text = String(repeating: "/ip4/1.2.3.4", count: 300)
        #expect(throws: LibP2PError.self) { try Multiaddr(text) }
        #expect(throws: LibP2PError.self) {
            try Multiaddr(String(repeating: "/", count: 100_000))
        }
    }

    @Test(arguments: [
        ("::", "::"), ("0:0:0:0:0:0:0:1", "::1"), ("1::", "1::"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
        ("::FFFF:1.2.3.4", "::ffff:102:304"), ("2001:DB8::1", "2001:db8::1"),
        ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("0:0:1:2:3:4:0:0", "::1:2:3:4:0:0"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ])
    func `IPv6 addresses are printed in their shortest form`(text: String, printed: String) throws {
        #expect(try Multiaddr("/ip6/\(text)").description == "/ip6/\(printed)")
        #expect(try Multiaddr("/ip6/\(printed)") == Multiaddr("/ip6/\(text)"))
    }

    @Test func `damaged addresses give an address or an error`() throws {
        let texts = [
            "/ip4/127.0.0.1/tcp/4001/p2p/\(MultiaddrTests.peer)",
            "/ip6zone/eth0/ip6/fe80::1/tcp/1", "/unix/tmp/a", "/dns4/a.example/udp/53/quic-v1",
        ]
        let inputs = try texts.map { try Multiaddr($0).bytes }
        Mutations.run(seed: 0x4d, count: 800, inputs: inputs) { bytes in
            guard let address = try? Multiaddr(bytes: bytes) else { return }
            #expect(address.bytes == bytes)
            #expect(Multiaddr.encode(address.components) == bytes)
            _ = address.description
            _ = address.tcpEndpoint
            _ = address.removingPeerID()
        }
        Mutations.run(seed: 0x5d, count: 800, inputs: texts.map { Array($0.utf8) }) { bytes in
            guard let address = try? Multiaddr(String(decoding: bytes, as: UTF8.self)) else {
                return
            }
            #expect((try? Multiaddr(bytes: address.bytes)) == address)
            #expect((try? Multiaddr(address.description)) == address)
        }
    }
}
