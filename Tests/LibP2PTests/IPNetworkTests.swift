import LibP2P
import Testing

@Suite struct IPNetworkTests {
    @Test(arguments: [
        ("203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7"], ["203.0.113.6", "::1", ""]),
        ("203.0.113.0/24", ["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "204.0.113.1"]),
        ("10.128.0.0/9", ["10.128.0.1", "10.255.255.255"], ["10.127.255.255", "10.0.0.1"]),
        ("0.0.0.0/0", ["1.2.3.4", "255.255.255.255"], ["2001:db8::1"]),
        ("2001:db8::/33", ["2001:db8::1", "2001:db8:7fff::"], ["2001:db8:8000::", "1.2.3.4"]),
        ("fe80::1", ["fe80::1", "fe80::1%eth0"], ["fe80::2"]),
        ("::/0", ["::1", "2001:db8::1"], ["127.0.0.1"]),
    ])
    func `a range holds what shares its leading bits`(
        text: String, inside: [String], outside: [String]
    ) throws {
        let network = try #require(IPNetwork(text))
        #expect(network.description == text)
        for host in inside { #expect(network.contains(host: host), "\(host)") }
        for host in outside { #expect(!network.contains(host: host), "\(host)") }
    }

    @Test(arguments: [
        "", "/", "1.2.3", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+8", "1.2.3.4/8/8",
        "1.2.3.4/24", "2001:db8::1/64", "example.org", "1.2.3.4/ 8", "::1/129", "1.2.3.4/0x8",
    ])
    func `what is no range is refused`(text: String) {
        #expect(IPNetwork(text) == nil)
    }
}
