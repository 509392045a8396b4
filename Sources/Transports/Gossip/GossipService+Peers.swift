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
    ///
    /// A stream that fails while the peer stays connected is opened anew: what the peer says comes
    /// on streams of its own, and is no worse for it.
    func serve(_ peer: PeerID) async {
        guard let (first, info) = await openPatiently(peer) else {
            return giveUp(peer)
        }
        let link = GossipLink(peer: peer)
        link.use(first)
        guard settle(link, info) else { return first.reset() }
        var stream = first
        while let end = await send(on: stream, link), end != .closed {
            guard let (other, info) = await openPatiently(peer) else { break }
            await stream.closeWrite()
            stream = other
            link.use(other)
            // Frames may have been lost with the stream: begin with the subscriptions again.
            if end == .failed { perform(.connected(peer, info)) }
        }
        await stream.closeWrite()
        link.end()
        perform(.disconnected(peer)) { state in
            // Forgets the link, unless somebody else has done so.
            guard case .open(let present) = state.stages[peer], present === link else {
                return false
            }
            state.stages[peer] = .unsupported
            return true
        }
        logger.debug("gossip stream ended", metadata: ["peer": "\(peer)"])
    }

    /// Opens the stream, and tries again if that fails; nil if the peer speaks no gossipsub, or has
    /// gone.
    private func openPatiently(_ peer: PeerID) async -> (SwarmStream, GossipPeer)? {
        for attempt in 0...configuration.reopenCountMax {
            guard !Task.isCancelled,
                let connection = swarm.state.withLock({ $0.table.preferred(for: peer) })
            else { return nil }
            switch await open(peer, on: connection) {
            case .open(let stream, let info): return (stream, info)
            case .unsupported: return nil
            case .failed:
                // The connection may be giving way to another.
                let pause = configuration.parameters.heartbeatInterval * (attempt + 1)
                try? await Task.sleep(for: pause)
            }
        }
        return nil
    }

    private enum Opening {
        case open(SwarmStream, GossipPeer)
        case unsupported, failed
    }

    private func open(_ peer: PeerID, on connection: ConnectionHandle) async -> Opening {
        let identified = swarm.state.withLock { $0.identified[peer]?.protocols }
        for version in GossipVersion.allCases {
            // What a peer does not list need not be tried, if it has listed anything yet.
            if let identified, !identified.contains(version.protocolID) { continue }
            do throws(TransportError) {
                let stream = try await swarm.openStream(
                    on: connection, protocol: version.protocolID, isLazy: false)
                let info = GossipPeer(
                    isOutbound: connection.isDialer, version: version,
                    addressGroup: connection.remoteAddress.gossipAddressGroup)
                return .open(stream, info)
            } catch {
                logger.debug(
                    "gossip stream not opened",
                    metadata: ["peer": "\(peer)", "reason": "\(error)"])
                guard case .protocolUnsupported = error else { return .failed }
            }
        }
        return .unsupported
    }

    /// Enters a link and tells the instance of the peer, then lets go whoever waits for it.
    ///
    /// - Returns: Whether the peer is still wanted.
    private func settle(_ link: GossipLink, _ info: GossipPeer) -> Bool {
        var waiters: [CheckedContinuation<GossipLink?, Never>] = []
        let isWanted = perform(.connected(link.peer, info)) { state in
            guard case .opening = state.stages[link.peer] else { return false }
            state.stages[link.peer] = .open(link)
            waiters = state.waiters.removeValue(forKey: link.peer) ?? []
            return true
        }.isHandled
        for waiter in waiters { waiter.resume(returning: link) }
        return isWanted
    }

    private func giveUp(_ peer: PeerID) {
        let waiters = state.withLock { state -> [CheckedContinuation<GossipLink?, Never>] in
            guard case .opening = state.stages[peer] else { return [] }
            state.stages[peer] = .unsupported
            return state.waiters.removeValue(forKey: peer) ?? []
        }
        for waiter in waiters { waiter.resume(returning: nil) }
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
        var stage: Stage?
        var waiters: [CheckedContinuation<GossipLink?, Never>] = []
        perform(.disconnected(peer)) { state in
            stage = state.stages.removeValue(forKey: peer)
            waiters = state.waiters.removeValue(forKey: peer) ?? []
            return true
        }
        for waiter in waiters { waiter.resume(returning: nil) }
        if case .open(let link) = stage { link.end() }
    }

    private enum SendingEnd {
        /// The link has ended.
        case closed
        /// Another connection is to be used.
        case moved
        case failed
    }

    /// Sends what is queued; nil if the task is cancelled.
    private func send(on stream: SwarmStream, _ link: GossipLink) async -> SendingEnd? {
        while !Task.isCancelled {
            switch link.next() {
            case .end: return .closed
            case .move: return .moved
            case .wait: await link.wait()
            case .send(let frame):
                do throws(TransportError) {
                    try await stream.writeLengthPrefixed(frame)
                } catch {
                    logger.debug(
                        "gossip frame not sent",
                        metadata: ["peer": "\(link.peer)", "reason": "\(error)"])
                    return .failed
                }
            }
        }
        return nil
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
