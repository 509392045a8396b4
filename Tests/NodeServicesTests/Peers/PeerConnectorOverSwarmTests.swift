import LibP2P
import NodeServices
import Testing
import Transports

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

    private func run(
        _ node: LoopbackNode, _ connector: PeerConnector,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) {
        group.addTask { await node.forwardEvents(to: connector) }
        group.addTask { try await connector.run() }
    }
}
