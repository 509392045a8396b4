import Cryptography
import Foundation
import LibP2P
import Testing
import Transports

@testable import NodeServices

@Suite struct PeerConnectorOverSwarmTests {
    @Test func `two nodes that know a third find each other through it`() async throws {
        let (hub, left, right) = (LoopbackNode(), LoopbackNode(), LoopbackNode())
        let hubConnector = hub.makeConnector(configured: [])
        let address = try #require(try await hub.swarm.start().first)
        try await withThrowingTaskGroup(of: Void.self) { group in
            run(hub, hubConnector, in: &group)
            let leftConnector = left.makeConnector(configured: [address])
            _ = try await left.swarm.start()
            run(left, leftConnector, in: &group)
            await left.waitForConnection(with: hub.id)
            while hubConnector.passiveView[left.id] == nil { await Task.yield() }

            let rightConnector = right.makeConnector(configured: [address])
            _ = try await right.swarm.start()
            run(right, rightConnector, in: &group)
            // The newcomer is told of the other at once; the other would be in half a minute.
            await right.waitForConnection(with: left.id)
            #expect(Set(right.swarm.connectedPeers) == [hub.id, left.id])
            for node in [hub, left, right] { await node.swarm.shutdown() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `a wanted peer is dialled again after its connection is lost`() async throws {
        let (peer, node) = (LoopbackNode(), LoopbackNode())
        let address = try #require(try await peer.swarm.start().first)
        let connector = node.makeConnector(configured: [address])
        _ = try await node.swarm.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await peer.forwardEvents(to: nil) }
            group.addTask { await node.clock.pass(.zero...(.seconds(6))) }
            run(node, connector, in: &group)
            connector.setWanted([peer.id])
            for _ in 0..<2 {
                await node.waitForConnection(with: peer.id)
                await peer.waitForConnection(with: node.id)
                await peer.swarm.disconnect(node.id, reason: "test")
                await node.waitForDisconnection(from: peer.id)
            }
            await node.waitForConnection(with: peer.id)
            for node in [peer, node] { await node.swarm.shutdown() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `a newcomer finds everybody through any member when the first node is gone`()
        async throws
    {
        let nodes = (0..<4).map { _ in LoopbackNode() }
        let hub = nodes[0]
        let hubConnector = hub.makeConnector(configured: [])
        let address = try #require(try await hub.swarm.start().first)
        var connectors: [PeerConnector] = []
        for node in nodes[1...] {
            let connector = node.makeConnector(configured: [address])
            _ = try await node.swarm.start()
            connectors.append(connector)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            run(hub, hubConnector, in: &group)
            for (node, connector) in zip(nodes[1...], connectors) {
                run(node, connector, in: &group)
                // One after the other, so that each is told of those before it.
                while hubConnector.passiveView[node.id] == nil { await Task.yield() }
            }
            let last = nodes[3]
            while last.swarm.connectedPeers.count < 3 { await Task.yield() }
            await hub.swarm.shutdown()
            while nodes[1].swarm.connectedPeers.contains(hub.id) { await Task.yield() }

            // A newcomer that knows one ordinary member; the view survives as bytes.
            let view = try PassiveView(bytes: connectors[0].passiveView.bytes)
            #expect(view.peers.contains(last.id) || connectors[2].passiveView[nodes[1].id] != nil)
            let newcomer = LoopbackNode()
            let join = try #require(last.swarm.listenAddresses.first)
            let connector = newcomer.makeConnector(configured: [join])
            _ = try await newcomer.swarm.start()
            run(newcomer, connector, in: &group)
            let others = Set(nodes[1...].map(\.id))
            while !others.isSubset(of: newcomer.swarm.connectedPeers) { await Task.yield() }

            // A node that comes back with its view alone needs no list at all.
            let again = LoopbackNode()
            let returned = again.makeConnector(
                configured: [], view: try PassiveView(bytes: connector.passiveView.bytes))
            _ = try await again.swarm.start()
            run(again, returned, in: &group)
            while !others.isSubset(of: again.swarm.connectedPeers) { await Task.yield() }
            for node in nodes[1...] + [newcomer, again] { await node.swarm.shutdown() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `a running node follows its peer list and its bans`() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "watch-\(UUID().uuidString)")
        let home = NodeHome(path: folder.path)
        try home.create()
        defer { try? FileManager.default.removeItem(at: folder) }
        let book = PeerBook(home: home)
        let (node, peer) = (LoopbackNode(), LoopbackNode())
        let address = try #require(try await peer.swarm.start().first)
        let connector = node.makeConnector(configured: [])
        _ = try await node.swarm.start()
        let watch = PeerListWatch(
            home: home, join: nil, swarm: node.swarm, connector: connector, logger: node.logger,
            interval: .milliseconds(10))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await peer.forwardEvents(to: nil) }
            group.addTask { await watch.run() }
            run(node, connector, in: &group)
            _ = try book.add([address.description])
            while node.swarm.connectedPeers != [peer.id] { await Task.yield() }
            // A list that can't be read changes nothing.
            try Data("nonsense\n".utf8).write(to: home.peerList)
            _ = try book.ban([peer.id.description])
            while !node.swarm.connectedPeers.isEmpty { await Task.yield() }
            _ = try? await peer.swarm.dial(try #require(node.swarm.listenAddresses.first))
            #expect(node.swarm.connectedPeers.isEmpty)
            _ = try book.unban([peer.id.description])
            while (try? await node.swarm.dial(address)) == nil { await Task.yield() }
            for node in [node, peer] { await node.swarm.shutdown() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `a ping needs no running node and names what went wrong`() async throws {
        let peer = LoopbackNode()
        let address = try #require(try await peer.swarm.start().first)
        let ping = PeerPing(settings: NetworkSettings())
        let answer = try await ping.ping([address], count: 2)
        #expect(answer.peer == peer.id && answer.address == address)
        #expect(answer.roundTrips.count == 2 && answer.roundTrips.allSatisfy { $0 > .zero })
        #expect(answer.agentVersion == "starling/test")
        #expect(answer.observedAddress?.tcpEndpoint?.host == "127.0.0.1")
        let other = PeerID(publicKey: SigningKey.generate().publicKey)
        await #expect {
            _ = try await ping.ping([try address.appending(other)], count: 1)
        } throws: { error in
            "\(error)".contains("another peer answers, \(peer.id)")
        }
        await peer.swarm.shutdown()
        await #expect {
            _ = try await ping.ping([address], count: 1)
        } throws: { error in
            (error as? NodeError)?.code == .network && "\(error)".contains("nothing listens at")
        }
    }

    private func run(
        _ node: LoopbackNode, _ connector: PeerConnector,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) {
        group.addTask { await node.forwardEvents(to: connector) }
        group.addTask { try await connector.run() }
    }
}
