import LibP2P
import NIOCore
import Synchronization

@testable import Transports

extension Swarm {
    /// Waits until at most one connection is left and tells whether this side dialled it.
    func soleConnectionIsDialer() async -> Bool? {
        while true {
            let connections = state.withLock { $0.table.all }
            guard connections.count > 1 else { return connections.first?.isDialer }
            // Either of the two is closed; the other's future must not be waited for alone.
            let promise = connections[0].channel.eventLoop.makePromise(of: Void.self)
            for connection in connections {
                connection.channel.closeFuture.whenComplete { _ in promise.succeed() }
            }
            try? await promise.futureResult.get()
        }
    }

    /// The bytes that the swarm holds for its peers.
    var heldByteCount: Int { scope.usedByteCount }

    /// Waits until no socket is open any more.
    func allClosed() async {
        let channels = state.withLock { state in
            Array(state.upgrading.values) + state.table.all.map(\.channel)
        }
        for channel in channels { await channel.closed() }
    }
}

extension Swarm {
    /// Waits until no stream is left on the connection with a peer.
    func noStreams(with peer: PeerID) async {
        while let connection = state.withLock({ $0.table.preferred(for: peer) }) {
            let promise = connection.channel.eventLoop.makePromise(of: Int.self)
            connection.onLoop { promise.succeed($0.session.streamCount) }
            if (try? await promise.futureResult.get()) == 0 { return }
            await Task.yield()
        }
    }
}
