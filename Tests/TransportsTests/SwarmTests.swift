import LibP2P
import Testing
import Transports

@Suite(.timeLimit(.minutes(1))) struct SwarmTests {
    @Test func `a dial connects both sides and tells them about each other`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            let peer = try await a.dial(try b.address)
            #expect(peer == b.peerID)
            #expect(a.connectedPeers == [b.peerID])
            let seen = try #require(await a.identified())
            #expect(seen.0 == b.peerID)
            #expect(seen.1.agentVersion == "starling/test")
            #expect(seen.1.protocolVersion == "/starling/test/1")
            #expect(seen.1.protocols.contains(SwarmFixture.echo))
            #expect(seen.1.protocols.contains("/ipfs/ping/1.0.0"))
            #expect(seen.2?.addresses == seen.1.listenAddresses)
            #expect(seen.1.listenAddresses == [try b.address.removingPeerID()])
            let reverse = try #require(await b.identified())
            #expect(reverse.0 == a.peerID)
            #expect(reverse.1.observedAddress == (try b.address.removingPeerID()))
        }
    }

    @Test func `connected comes first and disconnected last`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            let first = await b.first { event -> Bool? in
                if case .connected(let peer, _, let isDialer) = event {
                    peer == a.peerID && !isDialer
                } else {
                    false
                }
            }
            #expect(first == true)
            await a.disconnect(b.peerID, reason: "test")
            let end = try #require(await b.disconnected())
            #expect(end.0 == a.peerID && end.1 == .remoteGoAway(code: 0))
            let own = try #require(await a.disconnected())
            #expect(own.1 == .requested("test"))
            #expect(a.connectedPeers.isEmpty && b.connectedPeers.isEmpty)
        }
    }

    @Test func `pings go both ways on one connection`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            _ = await b.connected()
            for _ in 0..<5 { try await expectPing(a, b) }
            try await expectPing(b, a)
        }
    }

    @Test func `a second dial finds the connection that is there`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            let peer = try await a.dial(try b.address)
            #expect(peer == b.peerID)
            // Without the id in the address, only the handshake shows that it is the same peer.
            #expect(try await a.dial(try b.address.removingPeerID()) == b.peerID)
            try await expectPing(a, b)
        }
    }

    @Test(arguments: ["/dns4/localhost", "/dns/localhost"])
    func `a name is resolved`(name: String) async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            let port = try #require(try b.address.tcpEndpoint).port
            #expect(try await a.dial(try Multiaddr("\(name)/tcp/\(port)")) == b.peerID)
        }
    }

    @Test func `IPv6 works like IPv4`() async throws {
        let a = try await SwarmFixture.make()
        let b = try await SwarmFixture.make(listens: ["/ip6/::1/tcp/0"])
        try await SwarmFixture.with(a, b) {
            let peer = try await a.dial(try b.address)
            #expect(peer == b.peerID)
        }
    }

    @Test func `another identity than the address names is refused`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            let wrong = try b.address.appending(
                try #require(
                    PeerID(
                        text: "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5"
                    )))
            await #expect(
                throws: TransportError.peerMismatch(
                    expected: try #require(wrong.peerID), actual: b.peerID
                )
            ) { try await a.dial(wrong) }
            #expect(a.connectedPeers.isEmpty && b.connectedPeers.isEmpty)
        }
    }

    @Test func `a dial that cannot work says why`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        let closed = try b.address
        await b.shutdown()
        try await SwarmFixture.with(a) {
            await #expect(throws: TransportError.dialledSelf) { try await a.dial(try a.address) }
            await #expect(throws: TransportError.dialledSelf) {
                try await a.dial(try a.address.removingPeerID())
            }
            let datagram = try Multiaddr("/ip4/127.0.0.1/udp/9")
            await #expect(throws: TransportError.unsupportedAddress(datagram)) {
                try await a.dial(datagram)
            }
            let error = await #expect(throws: TransportError.self) { try await a.dial(closed) }
            guard case .dialFailed(closed, 111, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let stranger = b.peerID
            await #expect(throws: TransportError.notConnected(stranger)) {
                try await a.openStream(to: stranger, protocol: SwarmFixture.echo)
            }
        }
    }

    @Test func `an address in use cannot be bound`() async throws {
        let a = try await SwarmFixture.make()
        try await SwarmFixture.with(a) {
            let taken = try a.address.removingPeerID()
            let error = await #expect(throws: TransportError.self) {
                try await SwarmFixture.make(listens: ["/ip4/127.0.0.1/tcp/0", taken.description])
            }
            guard case .bindFailed(taken, 98, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func `crossing dials leave the connection of the dialler with the smaller id`()
        async throws
    {
        for (first, second) in [(UInt8(1), UInt8(2)), (2, 1)] {
            let a = try await SwarmFixture.make(seed: first)
            let b = try await SwarmFixture.make(seed: second)
            try await SwarmFixture.with(a, b) {
                try await a.dial(try b.address)
                _ = await b.connected()
                let early = try await a.openStream(to: b.peerID, protocol: SwarmFixture.echo)
                try await early.write([1, 2, 3])
                #expect(try await early.readExactly(3) == [1, 2, 3])
                // Without the id, so that the connection that is there does not answer for it.
                try await b.dial(try a.address.removingPeerID())
                try await expectPing(a, b)
                try await expectPing(b, a)
                try await early.write([4])
                await early.closeWrite()
                #expect(try await SwarmFixture.readAll(early) == [4])
                for swarm in [a, b] {
                    let isDialer = await swarm.soleConnectionIsDialer()
                    #expect(isDialer == (swarm.peerID == min(a.peerID, b.peerID)))
                }
                #expect(a.connectedPeers == [b.peerID] && b.connectedPeers == [a.peerID])
                try await expectPing(b, a)
            }
        }
    }

    @Test func `a push of identify reaches the other side`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await SwarmFixture.with(a, b) {
            try await a.dial(try b.address)
            let before = try #require(await b.identified()?.2)
            _ = await a.identified()
            await a.pushIdentify()
            let after = try #require(await b.identified()?.2)
            #expect(after.isNewer(than: before))
        }
    }

    @Test func `a shutdown ends streams, dials and events`() async throws {
        let (a, b) = (try await SwarmFixture.make(), try await SwarmFixture.make())
        try await a.dial(try b.address)
        let stream = try await a.openStream(to: b.peerID, protocol: SwarmFixture.stall)
        let address = try b.address
        await a.shutdown()
        await #expect(throws: TransportError.connectionClosed(.shutdown)) {
            try await stream.read()
        }
        await #expect(throws: TransportError.notRunning) { try await a.dial(address) }
        for await _ in a.events {}
        await b.shutdown()
        #expect(b.connectedPeers.isEmpty)
    }
}
