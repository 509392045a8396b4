internal import Cryptography
public import LibP2P
internal import Logging
internal import NIOCore
internal import Synchronization

extension Swarm {
    /// Measures the time that a peer takes to echo 32 bytes.
    ///
    /// - Throws: `timedOut`, `pingMismatch`, and `streamLimitReached` while another ping of the
    ///   same peer is under way.
    public func ping(_ peer: PeerID) async throws(TransportError) -> Duration {
        guard state.withLock({ $0.pinged.insert(peer).inserted }) else {
            throw .streamLimitReached
        }
        defer { state.withLock { _ = $0.pinged.remove(peer) } }
        do {
            return try await echo(with: peer)
        } catch .connectionClosed where isConnected(to: peer) {
            // Of two crossing connections one gives way; the peer is there on the other.
            return try await echo(with: peer)
        }
    }

    private func echo(with peer: PeerID) async throws(TransportError) -> Duration {
        let stream = try await openStream(
            to: peer, protocol: PingInstance.protocolID, isLazy: false
        )
        let timeout = StreamTimeout(stream: stream, after: limits.pingTimeout)
        defer { timeout.cancel() }
        let payload = SystemRandom.bytes(PingInstance.payloadByteCount)
        let start = ContinuousClock.now
        try await stream.write(payload)
        let echo = try await stream.readExactly(payload.count)
        let duration = ContinuousClock.now - start
        await stream.closeWrite()
        guard echo == payload else {
            stream.reset()
            throw .pingMismatch
        }
        return duration
    }

    func servePing(_ connection: ConnectionHandle, _ stream: SwarmStream) async {
        guard connection.beginPing(max: limits.inboundPingStreamCountMax) else {
            return stream.reset()
        }
        defer { connection.endPing() }
        do throws(TransportError) {
            while true {
                let timeout = StreamTimeout(stream: stream, after: limits.pingIdleTimeout)
                defer { timeout.cancel() }
                guard let bytes = try await stream.readExactly(PingInstance.payloadByteCount)
                else { return }
                try await stream.write(bytes)
            }
        } catch {
            logger.debug("ping ended", metadata: ["reason": "\(error)"])
            stream.reset()
        }
    }
}
