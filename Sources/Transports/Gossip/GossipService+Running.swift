internal import LibP2P
internal import Logging
internal import Synchronization

extension GossipService {
    /// Runs gossip until the task is cancelled.
    public func run() async {
        state.withLock { $0.isRunning = true }
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.beat() }
                for peer in swarm.connectedPeers { commandContinuation.yield(.serve(peer)) }
                for await command in commands {
                    switch command {
                    case .serve(let peer):
                        guard begin(peer) else { continue }
                        group.addTask { await self.serve(peer) }
                    case .drop(let peer): dropIfGone(peer)
                    case .disconnect(let peer, let fault):
                        group.addTask {
                            await self.swarm.disconnect(peer, reason: "gossip: \(fault)")
                        }
                    case .dial(let records):
                        guard configuration.dialsExchangedPeers else { continue }
                        group.addTask { await self.dial(records) }
                    case .keep(let peer, let envelope): keep(envelope, of: peer)
                    }
                }
                for peer in stop() { drop(peer) }
                group.cancelAll()
            }
        } onCancel: {
            commandContinuation.finish()
        }
        for topic in state.withLock({ $0.topics.values.map(\.continuation) }) { topic.finish() }
    }

    /// Lets nobody wait any more.
    ///
    /// - Returns: The peers that are served or waited for.
    private func stop() -> Set<PeerID> {
        state.withLock { state in
            state.isRunning = false
            return Set(state.stages.keys).union(state.waiters.keys)
        }
    }

    private func keep(_ envelope: [UInt8], of peer: PeerID) {
        guard let record = try? SignedPeerRecord(envelope: envelope), record.peerID == peer else {
            return
        }
        perform(.recordKnown(record))
    }

    private func beat() async {
        let interval = configuration.parameters.heartbeatInterval
        var next = ContinuousClock.now + interval
        while (try? await Task.sleep(until: next, clock: .continuous)) != nil {
            perform(.heartbeat)
            reconcile()
            // After a pause the next heartbeat comes an interval later, not many at once.
            next = max(next, ContinuousClock.now - interval) + interval
        }
    }

    /// Makes up for events that were lost, and moves streams off connections that give way.
    private func reconcile() {
        let connected = Set(swarm.connectedPeers)
        let (gone, links, unserved) = state.withLock { state in
            let links = state.stages.values.compactMap { stage in
                if case .open(let link) = stage { link } else { nil as GossipLink? }
            }
            return (
                state.stages.keys.filter { !connected.contains($0) }, links,
                connected.filter { state.stages[$0] == nil }
            )
        }
        for peer in gone { commandContinuation.yield(.drop(peer)) }
        for peer in unserved { commandContinuation.yield(.serve(peer)) }
        for link in links {
            let preferred = swarm.state.withLock { $0.table.preferred(for: link.peer)?.id }
            if let preferred, let used = link.connectionID, preferred != used { link.move() }
        }
    }

    /// Dials peers that another one told of, one by one, while there is room for more.
    private func dial(_ records: [SignedPeerRecord]) async {
        for record in records {
            let connected = swarm.connectedPeers
            guard connected.count < configuration.connectionCountTarget else { return }
            guard !connected.contains(record.peerID), !Task.isCancelled else { continue }
            for address in record.dialableAddresses.prefix(4) {
                do throws(TransportError) {
                    try await swarm.dial(address)
                    break
                } catch {
                    logger.debug(
                        "exchanged peer not reached",
                        metadata: ["address": "\(address)", "reason": "\(error)"])
                }
            }
        }
    }
}
