import Testing

@testable import Transports

@Suite struct InboundGateTests {
    private var limits: TransportLimits {
        var limits = TransportLimits()
        limits.connectionCountMaxPerAddress = 2
        limits.addressCountMaxPerSite = 2
        return limits
    }

    @Test func `an IPv6 network of 64 bits has a few addresses' worth of connections`() {
        var gate = InboundGate(limits: limits)
        #expect(gate.open("2001:db8::1") == nil)
        #expect(gate.open("2001:db8::1") == nil)
        #expect(gate.open("2001:db8::1") == .connectionsPerAddress(2))
        #expect(gate.open("2001:db8::2") == nil)
        #expect(gate.open("2001:db8::ffff:3") == nil)
        #expect(gate.open("2001:db8::4") == .connectionsPerSite(4))
        #expect(gate.open("2001:db8:0:1::4") == nil, "the next network is another one")
        gate.endUpgrade("2001:db8::2")
        gate.close("2001:db8::2")
        #expect(gate.open("2001:db8::4") == nil)
        #expect(gate.open("2001:db8::5") == .connectionsPerSite(4))
    }

    @Test func `IPv4 addresses, mapped ones too, are counted each for itself`() {
        var gate = InboundGate(limits: limits)
        for last in 1...9 {
            #expect(gate.open("203.0.113.\(last)") == nil)
            #expect(gate.open("::ffff:198.51.100.\(last)") == nil)
        }
        #expect(gate.socketCount == 18)
    }

    @Test func `loopback and circuits have no networks`() {
        var gate = InboundGate(limits: limits)
        for _ in 0..<9 {
            #expect(gate.open("::1") == nil)
            #expect(gate.open("circuit/relay", isCircuit: true) == nil)
        }
    }
}
