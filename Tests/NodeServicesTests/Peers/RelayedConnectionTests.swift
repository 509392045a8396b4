import LibP2P
import Testing
import Transports

@testable import NodeServices

@Suite struct RelayedConnectionTests {
    typealias Bench = PeerConnectorInstanceTests.Bench

    private static func circuit(_ relay: PeerID, _ target: PeerID) throws -> Multiaddr {
        try Multiaddr(relay: PeerConnectorInstanceTests.address(9, relay), target: target)
    }

    @Test func `a wanted peer behind a relay is dialled directly too, until that works`() throws {
        var bench = try Bench()
        let (peer, relay) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(9))
        let way = try Self.circuit(relay, peer).removingPeerID()
        let direct = try PeerConnectorInstanceTests.address(1, peer)
        _ = bench.handle(.connected(peer, address: way, isDialer: true))
        _ = bench.handle(.wanted([peer]))
        let dials = bench.dials(
            .identified(peer, addresses: [way, direct], servesExchange: false))
        #expect(dials.map(\.address) == [direct])
        _ = bench.handle(
            .dialFailed(.peer(peer), direct, reason: "test", isHopeless: false))
        let (wait, address) = try bench.waitForDial()
        #expect(address == direct && wait >= .seconds(4))
        _ = bench.handle(.dialled(.peer(peer), direct, peer))
        #expect(bench.dials(.tick).isEmpty)
        #expect(bench.instance.nextWake(now: bench.now) == nil)
    }

    @Test func `nothing better is sought where all ways lead through relays`() throws {
        var bench = try Bench()
        let (peer, relay) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(9))
        let way = try Self.circuit(relay, peer)
        _ = bench.handle(.connected(peer, address: way.removingPeerID(), isDialer: true))
        _ = bench.handle(.wanted([peer]))
        #expect(
            bench.dials(.identified(peer, addresses: [way], servesExchange: false)).isEmpty)
        #expect(bench.instance.nextWake(now: bench.now) == nil)
    }

    @Test func `a lost peer is dialled again through its relay`() throws {
        var bench = try Bench()
        let (peer, relay) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(9))
        let way = try Self.circuit(relay, peer)
        _ = bench.handle(.wanted([peer]))
        _ = bench.handle(.connected(peer, address: way.removingPeerID(), isDialer: true))
        _ = bench.handle(.disconnected(peer, reason: "the circuit broke off"))
        let (wait, address) = try bench.waitForDial()
        #expect(address == way && wait >= .seconds(4))
    }
}
