internal import LibP2P
internal import Logging
internal import NIOCore
internal import Synchronization

/// Two running processes with one identity, as a copied home makes them.
///
/// Programs of this project tell their processes apart by a tag in identify's agentVersion. Where two
/// connections of one peer show two tags, either the older process has died without its socket having
/// noticed, or both run. The older one is asked for a sign of life: if it gives one, the newer
/// connection is closed, so a copy never takes the place of the node that is there.
extension Swarm {
    /// Looks whether a peer's connections are of one process.
    func checkInstances(of peer: PeerID) {
        let connections = state.withLock { $0.table.connections(with: peer) }
        for (older, newer) in zip(connections, connections.dropFirst())
        where Self.isOtherProcess(older.agent, newer.agent) {
            let limit = limits.livenessTimeout
            older.onLoop { [weak self] connection in
                connection.probe(within: limit) { [weak self] isAlive in
                    guard let self, isAlive else { return }
                    self.logger.error(
                        "two running nodes have one key; the newer one is refused",
                        metadata: [
                            "peer": "\(peer)", "address": "\(newer.remoteAddress)",
                            "otherAddress": "\(older.remoteAddress)",
                        ])
                    newer.onLoop { $0.end(.duplicateIdentity) }
                    // It may have begun to give way to the newer one; then it is made anew.
                    older.onLoop { $0.endIfGivingWay() }
                }
            }
        }
    }

    private static func isOtherProcess(_ first: String?, _ second: String?) -> Bool {
        guard let first, let second, first.hasSuffix(")"), second.hasSuffix(")"),
            let firstOpen = first.lastIndex(of: "("), let secondOpen = second.lastIndex(of: "(")
        else { return false }
        return first[firstOpen...] != second[secondOpen...]
    }
}
