import LibP2P
import NIOCore
import Synchronization
import Testing

@testable import Transports

/// What other implementations of libp2p are known to trip over, or to trip others with.
@Suite(.timeLimit(.minutes(1))) struct ForeignHabitTests {
    @Test func `both ends of a connection send small pieces at once`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            _ = await b.connected()
            for swarm in [a, b] {
                let handle = try #require(swarm.state.withLock { $0.table.all.first })
                let value = try await handle.channel
                    .getOption(.tcpOption(.tcp_nodelay)).get()
                #expect(value != 0)
            }
        }
    }

    @Test func `a peer of another protocolVersion stays connected`() async throws {
        let a = try await SwarmFixture.make()
        let b = try await SwarmFixture.make(protocolVersion: "ipfs/0.1.0")
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            let seen = try #require(await a.identified())
            #expect(seen.1.protocolVersion == "ipfs/0.1.0")
            _ = try await a.ping(b.peerID)
            _ = try await b.ping(a.peerID)
            #expect(a.connectedPeers == [b.peerID] && b.connectedPeers == [a.peerID])
        }
    }
}
