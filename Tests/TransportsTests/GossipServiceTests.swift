import Cryptography
import LibP2P
import Synchronization
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(1))) struct GossipServiceTests {
    static let topic = GossipNode.topic

    @Test func `ten nodes hear what each of them publishes, once`() async throws {
        let nodes = try (0..<10).map { _ in try GossipNode() }
        try await GossipNode.with(nodes) {
            // A ring with chords: nobody is connected to everybody.
            for index in nodes.indices {
                for step in [1, 3] {
                    try await nodes[index].dial(nodes[(index + step) % nodes.count])
                }
            }
            for node in nodes { await node.subscribed(4) }
            for node in nodes { await node.meshed(2) }
            for (index, node) in nodes.enumerated() {
                try node.service.publish([UInt8(index)], to: Self.topic)
            }
            let everybody = Set(nodes.map(\.peerID))
            for node in nodes {
                let read = await node.read(9)
                #expect(Set(read.map(\.author)) == everybody.subtracting([node.peerID]))
                #expect(read.count == 9)
                for message in read {
                    #expect(nodes[Int(message.data[0])].peerID == message.author)
                }
            }
        }
    }

    @Test func `what a validator rejects goes no further and costs its sender the score`()
        async throws
    {
        let author = try GossipNode()
        let judge = try GossipNode(judge: { $0.data == [0xbd] ? .reject : .accept })
        let last = try GossipNode()
        try await GossipNode.with([author, judge, last]) {
            try await author.dial(judge)
            try await judge.dial(last)
            await author.subscribed(1)
            await judge.meshed(2)
            try author.service.publish([1], to: Self.topic)
            #expect(await last.read(1).map(\.data) == [[1]])
            try author.service.publish([0xbd], to: Self.topic)
            await eventually { judge.service.score(of: author.peerID) < -80 }
            // The author is not listened to any more; the others still hear each other.
            try author.service.publish([2], to: Self.topic)
            try judge.service.publish([3], to: Self.topic)
            #expect(await last.read(1).map(\.data) == [[3]])
            await eventually { !judge.service.protectedPeers.contains(author.peerID) }
        }
    }

    @Test func `a node that comes later is served by the streams that are opened for it`()
        async throws
    {
        let first = try GossipNode()
        let second = try GossipNode()
        try await GossipNode.with([first, second]) {
            try await second.dial(first)
            await first.subscribed(1)
            await second.subscribed(1)
            try first.service.publish([1], to: Self.topic)
            try second.service.publish([2], to: Self.topic)
            #expect(await second.read(1).map(\.author) == [first.peerID])
            #expect(await first.read(1).map(\.author) == [second.peerID])
        }
    }

    @Test func `after a connection is lost gossip goes on with the next`() async throws {
        let first = try GossipNode()
        let second = try GossipNode()
        try await GossipNode.with([first, second]) {
            for round in 0..<3 as Range<UInt8> {
                try await second.dial(first)
                await first.subscribed(1)
                try first.service.publish([round], to: Self.topic)
                #expect(await second.read(1).map(\.data) == [[round]])
                await first.swarm.disconnect(second.peerID, reason: "test")
                await eventually {
                    first.service.subscribers(of: Self.topic).isEmpty
                        && second.service.subscribers(of: Self.topic).isEmpty
                }
            }
        }
    }

    @Test func `crossing connections leave one, and gossip moves to it`() async throws {
        let first = try GossipNode()
        let second = try GossipNode()
        try await GossipNode.with([first, second]) {
            async let there: Void = first.dial(second)
            async let back: Void = second.dial(first)
            _ = try await (there, back)
            await first.subscribed(1)
            await second.subscribed(1)
            await eventually {
                first.swarm.state.withLock { $0.table.count } == 1
                    && second.swarm.state.withLock { $0.table.count } == 1
            }
            await first.subscribed(1)
            await second.subscribed(1)
            try first.service.publish([1], to: Self.topic)
            try second.service.publish([2], to: Self.topic)
            #expect(await second.read(1).map(\.data) == [[1]])
            #expect(await first.read(1).map(\.data) == [[2]])
        }
    }

    @Test func `a peer that speaks no gossip is left alone`() async throws {
        let node = try GossipNode()
        let other = try await SwarmFixture.make()
        try await GossipNode.with([node]) {
            try await SwarmFixture.with(other) {
                try await other.dial(try node.swarm.address)
                await eventually {
                    node.service.state.withLock { state in
                        if case .unsupported = state.stages[other.peerID] { true } else { false }
                    }
                }
                try node.service.publish([1], to: Self.topic)
                try await expectPing(node.swarm, other)
            }
        }
    }

    @Test func `version 1_0 is spoken with a peer that knows nothing newer`() async throws {
        let node = try GossipNode()
        let frames = Mutex<[[UInt8]]>([])
        let old = try await SwarmFixture.make { swarm in
            swarm.register(protocol: GossipVersion.v10.protocolID) { _, stream in
                while let frame = try? await stream.readLengthPrefixed(maxByteCount: 65_536) {
                    frames.withLock { $0.append(frame) }
                }
            }
        }
        try await GossipNode.with([node]) {
            try await SwarmFixture.with(old) {
                try await old.dial(try node.swarm.address)
                await eventually { !frames.withLock(\.isEmpty) }
                let first = try GossipRPC(bytes: frames.withLock { $0[0] })
                #expect(first.subscriptions == [.init(isSubscribed: true, topic: Self.topic)])
            }
        }
    }

    @Test(
        arguments: [
            // A length above the bound, a length that is no number, bytes that are no frame.
            [0x81, 0x80, 0x80, 0x01], [0x80, 0x00], [0x02, 0xff, 0xff],
        ] as [[UInt8]])
    func `a peer that sends what is no frame is disconnected`(bytes: [UInt8]) async throws {
        let node = try GossipNode()
        let hostile = try await SwarmFixture.make { swarm in
            swarm.register(protocol: GossipVersion.v11.protocolID) { _, stream in
                while (try? await stream.read()) != nil {}
            }
        }
        try await GossipNode.with([node]) {
            try await SwarmFixture.with(hostile) {
                try await hostile.dial(try node.swarm.address)
                let stream = try await hostile.openStream(
                    to: node.peerID, protocol: GossipVersion.v11.protocolID)
                try await stream.write(bytes)
                let gone = await hostile.disconnected()
                #expect(gone?.0 == node.peerID)
            }
        }
    }

    @Test func `a message with a broken signature is refused over the wire`() async throws {
        let node = try GossipNode()
        let key = SigningKey.generate()
        let hostile = try await SwarmFixture.make { swarm in
            swarm.register(protocol: GossipVersion.v11.protocolID) { _, stream in
                while (try? await stream.read()) != nil {}
            }
        }
        try await GossipNode.with([node]) {
            try await SwarmFixture.with(hostile) {
                try await hostile.dial(try node.swarm.address)
                let stream = try await hostile.openStream(
                    to: node.peerID, protocol: GossipVersion.v11.protocolID)
                var rpc = GossipRPC()
                var broken = GossipMessage.sign(
                    data: [1], topic: Self.topic, sequenceNumber: 1, key: key
                ).bytes
                broken[broken.count - 1] ^= 1
                rpc.messages = [broken]
                try await stream.writeLengthPrefixed(rpc.bytes)
                await eventually { node.service.score(of: hostile.peerID) < -80 }
                #expect(hostile.connectedPeers == [node.peerID])
            }
        }
    }

    @Test func `a peer that takes nothing loses announcements first and is cut off last`()
        async throws
    {
        let link = GossipLink(peer: PeerID(publicKey: SigningKey.generate().publicKey))
        for _ in 0..<GossipSendQueue.frameCountMax { _ = link.push([1], .announcement) }
        for _ in 0..<GossipSendQueue.frameCountMax {
            #expect(link.push([2], .control) == .queued(droppedCount: 1))
        }
        #expect(link.push([3], .control) == .stalled)
    }

    @Test func `payloads and topics beyond the bounds are refused`() throws {
        let node = try GossipNode()
        #expect(throws: GossipError.dataTooLarge(byteCount: 4_097, byteCountMax: 4_096)) {
            try node.service.publish(Array(repeating: 0, count: 4_097), to: Self.topic)
        }
        #expect(throws: GossipError.topicByteCount(0, byteCountMax: 256)) {
            try node.service.publish([1], to: "")
        }
        let before = node.service.nextSequenceNumber
        let message = try node.service.publish(Array(repeating: 0, count: 4_096), to: Self.topic)
        #expect(message.sequenceNumber == before)
        #expect(node.service.nextSequenceNumber == before + 1)
    }

    @Test func `unsubscribing ends the messages`() async throws {
        let node = try GossipNode()
        node.service.unsubscribe(from: Self.topic)
        for await message in node.messages { Issue.record("\(message)") }
        #expect(node.service.meshPeers(of: Self.topic).isEmpty)
    }
}
