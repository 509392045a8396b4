import LibP2P
import NIOCore
import NIOPosix
import Testing
import Transports

@Suite(.timeLimit(.minutes(1))) struct BrokenLinkTests {
    func withProxy(
        splitByteCount: Int, _ body: (Swarm, Swarm, Multiaddr, () -> Void) async throws -> Void
    ) async throws {
        let a = try await SwarmFixture.make()
        let b = try await SwarmFixture.make()
        let cut = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        let proxy = try await ByteProxy(
            to: try b.address, splitByteCount: splitByteCount, cut: cut
        )
        try await SwarmFixture.with(a, b) {
            try await body(a, b, proxy.address) { cut.succeed() }
        }
        cut.succeed()
        try await proxy.close()
    }

    @Test func `a handshake that arrives byte by byte works`() async throws {
        try await withProxy(splitByteCount: 3_000) { a, b, address, _ in
            let peer = try await a.dial(try address.appending(b.peerID))
            #expect(peer == b.peerID)
            try await expectPing(a, b)
            let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
            let bytes = SwarmFixture.pattern(0..<300_000)
            async let answer = SwarmFixture.readAll(stream)
            try await stream.write(bytes)
            await stream.closeWrite()
            let echo = try await answer
            #expect(echo == bytes)
        }
    }

    @Test func `a cut connection is an error on streams without FIN, never their end`()
        async throws
    {
        try await withProxy(splitByteCount: 0) { a, b, address, cut in
            try await a.dial(try address.appending(b.peerID))
            let open = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
            try await open.write([1, 2])
            #expect(try await open.readExactly(2) == [1, 2])
            let ended = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
            try await ended.write([3])
            await ended.closeWrite()
            #expect(try await SwarmFixture.readAll(ended) == [3])
            cut()
            let end = try #require(await a.disconnected())
            #expect(end.0 == b.peerID)
            let error = await #expect(throws: TransportError.self) { try await open.read() }
            guard case .connectionClosed = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            await #expect(throws: TransportError.self) { try await open.write([1]) }
            #expect(try await ended.read() == nil)
            _ = await b.disconnected()
            #expect(a.connectedPeers.isEmpty && b.connectedPeers.isEmpty)
        }
    }
}
