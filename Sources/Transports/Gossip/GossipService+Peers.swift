internal import LibP2P
internal import Logging
internal import Synchronization

extension GossipService {
    // MARK: The stream to a peer

    /// Claims a peer for one task; false if it is served already or cannot be.
    func begin(_ peer: PeerID) -> Bool {
        state.withLock { state in
            switch state.stages[peer] {
            case nil:
                state.stages[peer] = .opening
                return true
            case .opening, .open, .unsupported: return false
            }
        }
    }

    /// Opens the stream to a peer that ``begin(_:)`` has claimed, and sends until it ends.
    func serve(_ peer: PeerID) async {
        guard let (stream, info) = await open(peer) else {
            settle(peer, nil)
            return
        }
        let link = GossipLink(peer: peer)
        link.use(stream)
        guard settle(peer, link) else { return stream.reset() }
        perform(.connected(peer, info))
        await send(on: stream, link)
        link.end()
        guard remove(link) else { return }
        perform(.disconnected(peer))
        logger.debug("gossip stream ended", metadata: ["peer": "\(peer)"])
    }

    private func open(_ peer: PeerID) async -> (SwarmStream, GossipPeer)? {
        guard let connection = swarm.state.withLock({ $0.table.preferred(for: peer) }) else {
            return nil
        }
        let identified = swarm.state.withLock { $0.identified[peer]?.protocols }
        for version in GossipVersion.allCases {
            // What a peer lists need not be tried, but it need not have listed anything yet.
            if let identified, !identified.contains(version.protocolID) { continue }
            do throws(TransportError) {
                let stream = try await swarm.openStream(
                    on: connection, protocol: version.protocolID, isLazy: false)
                let info = GossipPeer(
                    isOutbound: connection.isDialer, version: version,
                    addressGroup: connection.remoteAddress.gossipAddressGroup)
                return (stream, info)
            } catch {
                logger.debug(
                    "gossip stream not opened",
                    metadata: ["peer": "\(peer)", "reason": "\(error)"])
                guard case .protocolUnsupported = error else { return nil }
            }
        }
        // Neither version: there is no use in trying again on this connection.
        state.withLock { $0.failureCounts[peer] = configuration.reopenCountMax }
        return nil
    }

    /// Notes how opening went, and lets go whoever waits for it.
    ///
    /// - Returns: Whether the peer is still wanted.
    @discardableResult
    private func settle(_ peer: PeerID, _ link: GossipLink?) -> Bool {
        let (waiters, isWanted) = state.withLock {
            state -> ([CheckedContinuation<GossipLink?, Never>], Bool) in
            guard case .opening = state.stages[peer] else { return ([], false) }
            if let link {
                state.stages[peer] = .open(link)
            } else {
                noteFailure(of: peer, &state)
            }
            return (state.waiters.removeValue(forKey: peer) ?? [], true)
        }
        for waiter in waiters { waiter.resume(returning: link) }
        return isWanted
    }

    /// After too many failures the peer is left alone until it connects again.
    private func noteFailure(of peer: PeerID, _ state: inout State) {
        state.failureCounts[peer, default: 0] += 1
        let isHopeless = (state.failureCounts[peer] ?? 0) > configuration.reopenCountMax
        state.stages[peer] = isHopeless ? .unsupported : nil
    }

    /// Forgets a link that has ended by itself; false if it is not the peer's any more.
    private func remove(_ link: GossipLink) -> Bool {
        state.withLock { state in
            guard case .open(let present) = state.stages[link.peer], present === link else {
                return false
            }
            noteFailure(of: link.peer, &state)
            return true
        }
    }

    /// The connection of a peer's stream may have ended, and another may be there already.
    func dropIfGone(_ peer: PeerID) {
        let present = swarm.state.withLock { $0.table.connections(with: peer).map(\.id) }
        let used = state.withLock { state -> UInt64? in
            if case .open(let link) = state.stages[peer] { link.connectionID } else { nil }
        }
        if let used, present.contains(used) { return }
        drop(peer)
        if !present.isEmpty { commandContinuation.yield(.serve(peer)) }
    }

    /// Ends what there is with a peer.
    func drop(_ peer: PeerID) {
        let (stage, waiters) = state.withLock { state in
            state.failureCounts[peer] = nil
            return (
                state.stages.removeValue(forKey: peer),
                state.waiters.removeValue(forKey: peer) ?? []
            )
        }
        for waiter in waiters { waiter.resume(returning: nil) }
        guard case .open(let link) = stage else { return }
        link.end()
        perform(.disconnected(peer))
    }

    private func send(on first: SwarmStream, _ link: GossipLink) async {
        var stream = first
        while !Task.isCancelled {
            switch link.next() {
            case .end: return await stream.closeWrite()
            case .wait: await link.wait()
            case .send(let frame):
                do throws(TransportError) {
                    try await stream.writeLengthPrefixed(frame)
                } catch {
                    logger.debug(
                        "gossip frame not sent",
                        metadata: ["peer": "\(link.peer)", "reason": "\(error)"])
                    return
                }
            case .move:
                guard let (other, _) = await open(link.peer) else { return }
                await stream.closeWrite()
                stream = other
                link.use(other)
            }
        }
        await stream.closeWrite()
    }

    // MARK: The streams from a peer

    /// Reads what a peer says on a stream that it opened.
    func receive(_ stream: SwarmStream, from peer: PeerID) async {
        // The peer's subscriptions are the first thing on the stream and must not be lost: they
        // are read once the peer is known to the instance.
        guard let link = await link(to: peer), link.enter(stream) else { return stream.reset() }
        defer { link.leave(stream) }
        do throws(TransportError) {
            while let bytes = try await stream.readLengthPrefixed(
                maxByteCount: GossipRPC.byteCountMax)
            {
                await receive(bytes, from: peer)
            }
        } catch {
            logger.debug(
                "gossip stream failed", metadata: ["peer": "\(peer)", "reason": "\(error)"])
            stream.reset()
            switch error {
            case .messageTooLarge(let byteCount, _):
                let fault = GossipRPCError.tooLong(byteCount: Int(clamping: byteCount))
                commandContinuation.yield(.disconnect(peer, .malformedFrame(fault)))
            case .malformedLength:
                commandContinuation.yield(.disconnect(peer, .malformedFrame(.malformed)))
            default: break
            }
        }
    }

    /// The link to a peer, once there is one; nil if there will be none.
    private func link(to peer: PeerID) async -> GossipLink? {
        await withCheckedContinuation { continuation in
            let (isSettled, link) = state.withLock { state -> (Bool, GossipLink?) in
                switch state.stages[peer] {
                case .open(let link): return (true, link)
                case .unsupported: return (true, nil)
                case .opening, nil:
                    guard state.isRunning, (state.waiters[peer] ?? []).count < 2 else {
                        return (true, nil)
                    }
                    state.waiters[peer, default: []].append(continuation)
                    return (false, nil)
                }
            }
            if isSettled {
                continuation.resume(returning: link)
            } else {
                commandContinuation.yield(.serve(peer))
            }
        }
    }
}

extension Multiaddr {
    /// What counts as one address for the score: an IPv4 address, the first half of an IPv6 one.
    ///
    /// Nil for loopback, where many peers are the rule.
    var gossipAddressGroup: String? {
        guard let host = tcpEndpoint?.host, !InboundGate.isLoopback(host) else { return nil }
        guard let component = components.first(where: { $0.name == "ip6" }) else { return host }
        return component.value.prefix(8).map { String($0, radix: 16) }.joined(separator: ":")
    }
}
