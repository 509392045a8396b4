internal import LibP2P
internal import Transports

/// Asks a connected peer of another program to dial this node back, in the words of AutoNAT.
struct AutoNATAsker: Sendable {
    let streams: any StreamOpener
    var clock = ServiceClock.system

    /// Asks one peer.
    ///
    /// - Returns: What came of it for each address; where the peer would not try, nothing.
    /// - Throws: `protocolUnsupported`, `streamReset` where the peer is too slow, and what else a
    ///   stream throws.
    func ask(
        _ peer: PeerID, own: PeerID, at addresses: [Multiaddr]
    ) async throws(TransportError) -> [ReachabilityCheck.Trial] {
        guard !addresses.isEmpty else { return [] }
        let stream = try await streams.openMessageStream(
            to: peer, protocol: AutoNATMessage.protocolID)
        let watch = Task { [clock] in
            do { try await clock.sleep(ReachabilityAsker.deadline) } catch { return }
            stream.reset()
        }
        defer { watch.cancel() }
        try await stream.writeLengthPrefixed(AutoNATMessage.dial(own, addresses).bytes)
        let bytes = try await stream.readLengthPrefixed(
            maxByteCount: AutoNATMessage.messageByteCountMax)
        await stream.closeWrite()
        guard let bytes else {
            throw .endedEarly(expectedByteCount: 1, receivedByteCount: 0)
        }
        do throws(LibP2PError) {
            return Self.trials(try AutoNATMessage(bytes: bytes), at: addresses)
        } catch {
            throw .negotiationFailed(error)
        }
    }

    static func trials(
        _ answer: AutoNATMessage, at addresses: [Multiaddr]
    ) -> [ReachabilityCheck.Trial] {
        guard case .response(let status, _, let reached) = answer else { return [] }
        switch status {
        case .ok:
            // Only what was asked about counts.
            let named = reached.map { $0.removingPeerID() }
            return addresses.filter { $0.removingPeerID() == named }
                .map { .init(address: $0, outcome: .reached) }
        case .dialError: return addresses.map { .init(address: $0, outcome: .notConnected) }
        case .dialRefused, .badRequest, .internalError: return []
        }
    }
}
