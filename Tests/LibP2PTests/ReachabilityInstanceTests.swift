import Cryptography
import Testing

@testable import LibP2P

@Suite struct ReachabilityInstanceTests {
    private static let peers = (21...25).map {
        PeerID(publicKey: Fixtures.identity(seedByte: UInt8($0)).publicKey)
    }
    private static let outer = Fixtures.address("/ip4/203.0.113.5/tcp/7411")
    private static let inner = Fixtures.address("/ip4/10.0.0.5/tcp/7411")

    private static func trial(
        _ outcome: ReachabilityCheck.Outcome, _ address: Multiaddr = outer
    ) -> [ReachabilityCheck.Trial] {
        [.init(address: address, outcome: outcome)]
    }

    @Test func `the verdict is that of most peers that have tried`() {
        var instance = ReachabilityInstance()
        #expect(instance.verdict == .unknown)
        instance.tried(Self.peers[0], Self.trial(.foreignHost))
        instance.tried(Self.peers[1], Self.trial(.busy))
        instance.tried(Self.peers[1], [])
        #expect(instance.verdict == .unknown, "nobody has tried")
        instance.tried(Self.peers[0], Self.trial(.notConnected))
        #expect(instance.verdict == .private)
        instance.tried(Self.peers[1], Self.trial(.reached))
        #expect(instance.verdict == .public)
        instance.tried(Self.peers[2], Self.trial(.otherProgram))
        #expect(instance.verdict == .private)
        // A newer word takes the place of the older one, and ends with the connection.
        instance.tried(Self.peers[2], Self.trial(.reached))
        #expect(instance.verdict == .public)
        #expect(instance.isDecided)
        instance.gone(Self.peers[2])
        #expect(!instance.isDecided)
        for peer in Self.peers { instance.gone(peer) }
        #expect(instance.verdict == .unknown)
    }

    @Test func `an address is confirmed by two peers, not by one that says it twice`() {
        var instance = ReachabilityInstance()
        instance.tried(Self.peers[0], Self.trial(.reached) + Self.trial(.reached))
        #expect(instance.confirmedAddresses.isEmpty)
        instance.tried(Self.peers[1], Self.trial(.reached))
        #expect(instance.confirmedAddresses == [Self.outer])
        instance.gone(Self.peers[0])
        #expect(instance.confirmedAddresses.isEmpty)
    }

    @Test func `hosts are counted without their ports`() throws {
        var instance = ReachabilityInstance()
        for (index, port) in [4_001, 4_002].enumerated() {
            instance.saw(Self.peers[index], try Multiaddr("/ip4/203.0.113.5/tcp/\(port)"))
        }
        instance.saw(Self.peers[2], Self.inner)
        instance.saw(Self.peers[3], try Multiaddr("/p2p-circuit"))
        #expect(instance.seenHosts.map(\.host) == ["203.0.113.5", "10.0.0.5"])
        #expect(instance.seenHosts.map(\.peerCount) == [2, 1])
    }

    @Test func `a peer is asked first to try where it sees the node`() throws {
        var instance = ReachabilityInstance()
        let peer = Self.peers[0]
        let circuit = try Multiaddr("\(Self.outer)/p2p/\(Self.peers[1])/p2p-circuit")
        #expect(
            instance.candidates(for: peer, told: [circuit, Self.inner], bound: [Self.inner])
                == [Self.inner])
        instance.saw(peer, try Multiaddr("/ip4/203.0.113.5/tcp/50000"))
        #expect(
            instance.candidates(for: peer, told: [Self.inner], bound: [Self.inner])
                == [Self.outer, Self.inner])
        #expect(
            instance.candidates(for: peer, told: [Self.inner, Self.outer], bound: [Self.inner])
                == [Self.outer, Self.inner])
        let many = try (1...9).map { try Multiaddr("/ip4/10.0.0.\($0)/tcp/1") }
        #expect(instance.candidates(for: peer, told: many, bound: []).count == 4)
    }

    @Test func `the words of many peers are bounded`() {
        var instance = ReachabilityInstance()
        for _ in 0..<1_100 {
            instance.saw(PeerID(publicKey: SigningKey.generate().publicKey), Self.outer)
        }
        #expect(instance.seenHosts.first?.peerCount == 1_024)
    }
}
