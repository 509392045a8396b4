import Cryptography
import Testing

@testable import LibP2P

@Suite struct RelayClientInstanceTests {
    private static let own = Fixtures.responderID
    private static let peers = (11...15).map {
        PeerID(publicKey: Fixtures.identity(seedByte: UInt8($0)).publicKey)
    }.sorted()

    private static func address(_ peer: PeerID) throws -> Multiaddr {
        try Fixtures.address("/ip4/203.0.113.5/tcp/7411").appending(peer)
    }

    private static func circuit(_ peer: PeerID) throws -> Multiaddr {
        try Multiaddr(relay: address(peer), target: own)
    }

    private static func granted(
        _ peer: PeerID, seconds: UInt64 = 100, limit: CircuitLimit = .none
    ) throws -> RelayClientInstance.Event {
        .granted(
            peer,
            RelayReservation(
                expirationSeconds: 1_000 + seconds, addresses: [try address(peer)], voucher: nil),
            limit, unixSeconds: 1_000)
    }

    @Test func `relays are asked only while they are needed`() throws {
        var client = RelayClientInstance(own: Self.own)
        let relay = Self.peers[0]
        #expect(client.handle(.found(relay, nil), now: .zero).isEmpty)
        #expect(client.handle(.needed(true), now: .zero) == [.reserve(relay, nil)])
        #expect(client.handle(.tick, now: .zero).isEmpty, "it is asked already")
        #expect(
            client.handle(try Self.granted(relay), now: .zero)
                == [.tell([try Self.circuit(relay)])])
        #expect(client.reservedRelays == [relay])
        #expect(client.handle(.needed(false), now: .zero) == [.tell([])])
        #expect(client.handle(.needed(true), now: .zero) == [.tell([try Self.circuit(relay)])])
    }

    @Test func `a reservation is renewed before its end, and told once`() throws {
        var client = RelayClientInstance(own: Self.own)
        let relay = Self.peers[0]
        _ = client.handle(.needed(true), now: .zero)
        _ = client.handle(.found(relay, nil), now: .zero)
        _ = client.handle(try Self.granted(relay), now: .zero)
        #expect(client.nextWake(now: .zero) == .seconds(60))
        #expect(client.handle(.tick, now: .seconds(59)).isEmpty)
        #expect(client.handle(.tick, now: .seconds(60)) == [.reserve(relay, nil)])
        #expect(client.handle(try Self.granted(relay), now: .seconds(61)).isEmpty)
        #expect(client.nextWake(now: .seconds(61)) == .seconds(121))
    }

    @Test func `a reservation that is not renewed ends, and its address is told no more`() throws {
        var client = RelayClientInstance(own: Self.own)
        let relay = Self.peers[0]
        _ = client.handle(.needed(true), now: .zero)
        _ = client.handle(.found(relay, nil), now: .zero)
        _ = client.handle(try Self.granted(relay), now: .zero)
        _ = client.handle(.tick, now: .seconds(60))
        let refusal = client.handle(.refused(relay, reason: "no"), now: .seconds(61))
        #expect(refusal == [.note("no reservation, again in 5 s: no", relay)])
        #expect(client.handle(.tick, now: .seconds(66)) == [.reserve(relay, nil)])
        #expect(client.handle(.tick, now: .seconds(100)) == [.tell([])])
        #expect(client.reservedRelays.isEmpty)
    }

    @Test func `waits double, and end with a grant`() throws {
        var client = RelayClientInstance(own: Self.own)
        let relay = Self.peers[0]
        _ = client.handle(.needed(true), now: .zero)
        _ = client.handle(.found(relay, nil), now: .zero)
        var now = Duration.zero
        for wait in [5, 10, 20, 40, 80, 160, 300, 300] {
            _ = client.handle(.refused(relay, reason: "no"), now: now)
            #expect(client.nextWake(now: now) == now + .seconds(wait))
            now += .seconds(wait)
            #expect(client.handle(.tick, now: now) == [.reserve(relay, nil)])
        }
        _ = client.handle(try Self.granted(relay), now: now)
        now += .seconds(60)
        _ = client.handle(.tick, now: now)
        _ = client.handle(.refused(relay, reason: "no"), now: now)
        #expect(client.nextWake(now: now) == now + .seconds(5))
    }

    @Test func `two found relays are used, and another when one is gone`() throws {
        var client = RelayClientInstance(own: Self.own)
        _ = client.handle(.needed(true), now: .zero)
        var asked: [RelayClientInstance.Directive] = []
        for peer in Self.peers { asked += client.handle(.found(peer, nil), now: .zero) }
        #expect(asked == [.reserve(Self.peers[0], nil), .reserve(Self.peers[1], nil)])
        for peer in Self.peers.prefix(2) {
            _ = client.handle(try Self.granted(peer), now: .zero)
        }
        let gone = client.handle(.disconnected(Self.peers[0]), now: .seconds(1))
        #expect(
            gone == [
                .note("the relay is gone", Self.peers[0]), .reserve(Self.peers[2], nil),
                .tell([try Self.circuit(Self.peers[1])]),
            ])
    }

    @Test func `configured relays are all used, dialled again when lost, and never forgotten`()
        throws
    {
        var client = RelayClientInstance(own: Self.own)
        _ = client.handle(.needed(true), now: .zero)
        let addresses = try Self.peers.prefix(3).map(Self.address)
        let asked = client.handle(
            .configured(addresses + [Fixtures.address("/ip4/203.0.113.5/tcp/1")]), now: .zero)
        #expect(asked == zip(Self.peers, addresses).map { .reserve($0, $1) })
        let relay = Self.peers[0]
        _ = client.handle(try Self.granted(relay), now: .zero)
        let gone = client.handle(.disconnected(relay), now: .seconds(10))
        #expect(gone == [.note("the relay is gone; it is asked again", relay), .tell([])])
        #expect(client.nextWake(now: .seconds(10)) == .seconds(15))
        #expect(client.handle(.tick, now: .seconds(15)) == [.reserve(relay, addresses[0])])
    }

    @Test func `a relay that carries too little is told of, and used only where it was named`()
        throws
    {
        var settings = RelayClientSettings()
        settings.byteCountMin = 1 << 20
        let small = CircuitLimit(seconds: 120, byteCount: 131_072)
        let relay = Self.peers[0]
        var finder = RelayClientInstance(own: Self.own, settings: settings)
        _ = finder.handle(.needed(true), now: .zero)
        _ = finder.handle(.found(relay, nil), now: .zero)
        #expect(
            finder.handle(try Self.granted(relay, limit: small), now: .zero)
                == [.tooSmall(relay, small)])
        #expect(finder.reservedRelays.isEmpty)
        #expect(finder.nextWake(now: .zero) == settings.unfitWait)
        var follower = RelayClientInstance(own: Self.own, settings: settings)
        _ = follower.handle(.needed(true), now: .zero)
        _ = follower.handle(.configured([try Self.address(relay)]), now: .zero)
        #expect(
            follower.handle(try Self.granted(relay, limit: small), now: .zero)
                == [.tooSmall(relay, small), .tell([try Self.circuit(relay)])])
    }

    @Test(arguments: [(UInt64(0), 2), (1_000_001, 86_400)])
    func `a life beyond belief is cut`(seconds: UInt64, life: Int) throws {
        var client = RelayClientInstance(own: Self.own)
        let relay = Self.peers[0]
        _ = client.handle(.needed(true), now: .zero)
        _ = client.handle(.found(relay, nil), now: .zero)
        _ = client.handle(try Self.granted(relay, seconds: seconds), now: .zero)
        #expect(client.nextWake(now: .zero) == Duration.seconds(life) * 0.6)
    }

    @Test func `what nobody asked for changes nothing`() throws {
        var client = RelayClientInstance(own: Self.own)
        _ = client.handle(.needed(true), now: .zero)
        #expect(client.handle(try Self.granted(Self.peers[0]), now: .zero).isEmpty)
        #expect(client.handle(.refused(Self.peers[0], reason: "no"), now: .zero).isEmpty)
        #expect(client.handle(.disconnected(Self.peers[0]), now: .zero).isEmpty)
        #expect(client.nextWake(now: .zero) == nil)
    }
}
