import Cryptography
import LibP2P
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct BanTests {
    static func loopback() throws -> IPNetwork { try #require(IPNetwork("127.0.0.0/8")) }

    @Test func `a banned peer is neither dialled nor let in`() async throws {
        let log = LogLines()
        let (a, b) = (try await SwarmFixture.make(log: log), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            a.setBans(Bans(peers: [b.peerID]))
            await #expect(throws: TransportError.banned) { try await a.dial(try b.address) }
            // Without the peer's id in the address it shows in the handshake.
            await #expect(throws: TransportError.banned) {
                try await a.dial(try b.address.removingPeerID())
            }
            // The banned side is secured and then closed without a word.
            _ = try? await b.dial(try a.address)
            await eventually { log.contains("banned") }
            #expect(a.connectedPeers.isEmpty)
            a.setBans(Bans())
            try await a.dial(try b.address)
            #expect(a.connectedPeers == [b.peerID])
        }
    }

    @Test func `a banned address is closed before any handshake`() async throws {
        let log = LogLines()
        let (a, b) = (try await SwarmFixture.make(log: log), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            a.setBans(Bans(networks: [try Self.loopback()]))
            await #expect(throws: TransportError.banned) { try await a.dial(try b.address) }
            await #expect(throws: TransportError.self) { try await b.dial(try a.address) }
            #expect(log.contains("the address is banned"))
            #expect(a.connectedPeers.isEmpty && b.connectedPeers.isEmpty)
        }
    }

    @Test func `a ban closes what is open, and nothing else`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        let c = try await SwarmFixture.make()
        try await SwarmFixture.with(a, b, c) {
            try await b.dial(try a.address)
            try await c.dial(try a.address)
            for _ in 0..<2 { _ = await a.connected() }
            a.setBans(Bans(peers: [b.peerID]))
            let end = try #require(await a.disconnected())
            #expect(end.0 == b.peerID && end.1 == .banned)
            _ = await b.disconnected()
            try await expectPing(c, a)
            #expect(a.connectedPeers == [c.peerID])
        }
    }

    @Test func `an address counts by what it says`() throws {
        let peer = PeerID(publicKey: SigningKey.generate().publicKey)
        let bans = Bans(
            peers: [peer], networks: [try #require(IPNetwork("203.0.113.0/24"))])
        let inside = try Multiaddr("/ip4/203.0.113.9/tcp/1")
        let outside = try Multiaddr("/ip4/203.0.114.9/tcp/1")
        #expect(bans.contains(inside) && !bans.contains(outside))
        #expect(bans.contains(try outside.appending(peer)))
        #expect(!bans.contains(try Multiaddr("/dns/node.example/tcp/1")))
    }
}
