public import LibP2P
internal import Logging
internal import NIOCore
internal import Synchronization

/// Connections through relays: dialling them, and taking those that a relay offers.
extension Swarm {
    /// Connects with a peer through a relay.
    func dial(
        _ circuit: Multiaddr.Circuit, _ address: Multiaddr
    ) async throws(TransportError) -> PeerID {
        guard let target = circuit.target else { throw .unsupportedAddress(address) }
        guard target != circuit.relay else { throw .unsupportedAddress(address) }
        let connection = try await directConnection(with: circuit.relay, circuit.relayAddress)
        let stream = try await openStream(
            on: connection, protocol: RelayProtocol.hopProtocolID, isLazy: false)
        let answer = try await ask(.connect(target), on: stream)
        guard case .status(let status, _, let limit) = answer else {
            stream.reset()
            throw .relayRefused(.unexpectedMessage)
        }
        guard status == .ok else {
            stream.reset()
            throw .relayRefused(status)
        }
        let route = CircuitRoute(
            relay: circuit.relay, limit: limit ?? .none,
            address: (try? Multiaddr(relay: circuit.relayAddress, target: nil)) ?? address)
        warnOfSmallLimit(route, peer: target)
        return try await upgrade(stream, route, expectedPeer: target, isDialer: true).peer
    }

    /// Asks a connected peer, which is dialled if an address is given, to be reachable through it.
    ///
    /// - Throws: `relayRefused`, `negotiationFailed` for an answer or a voucher that does not hold,
    ///   and what dialling and streams throw.
    public func reserve(
        at relay: PeerID, address: Multiaddr? = nil
    ) async throws(TransportError) -> (reservation: RelayReservation, limit: CircuitLimit) {
        let connection = try await directConnection(with: relay, address)
        let stream = try await openStream(
            on: connection, protocol: RelayProtocol.hopProtocolID, isLazy: false)
        let answer = try await ask(.reserve, on: stream)
        await stream.closeWrite()
        guard case .status(let status, let reservation, let limit) = answer, status == .ok else {
            if case .status(let status, _, _) = answer { throw .relayRefused(status) }
            throw .relayRefused(.unexpectedMessage)
        }
        guard let reservation else { throw .negotiationFailed(.malformed(.relayHop)) }
        do throws(LibP2PError) {
            try reservation.verify(relay: relay, peer: peerID)
        } catch {
            throw .negotiationFailed(error)
        }
        state.withLock { state in
            guard !state.table.connections(with: relay).isEmpty else { return }
            state.reservedRelays.insert(relay)
        }
        return (reservation, limit ?? .none)
    }

    /// Names the addresses through relays at which this node can be reached; peers are told by
    /// `pushIdentify()`.
    public func setCircuitAddresses(_ addresses: [Multiaddr]) {
        state.withLock { $0.circuitAddresses = addresses }
    }

    /// Names addresses that peers have proved to lead here; they are told beside the bound ones
    /// unless others are to be told in place of those.
    public func setConfirmedAddresses(_ addresses: [Multiaddr]) {
        state.withLock { $0.confirmedAddresses = addresses }
    }

    /// What others are told, each with this node's peer id: the addresses through relays, and the
    /// advertised or else the confirmed and bound ones.
    ///
    /// Those through relays come first, because a node asks relays where its own are of no use.
    public var toldAddresses: [Multiaddr] {
        state.withLock { state in
            let advertised = configuration.advertisedAddresses
            let own =
                advertised.isEmpty ? state.confirmedAddresses + state.addresses : advertised
            var told: [Multiaddr] = []
            for address in state.circuitAddresses + own {
                guard let named = try? address.appending(peerID), !told.contains(named) else {
                    continue
                }
                told.append(named)
            }
            return told
        }
    }

    /// A connection with a relay that is not itself relayed.
    private func directConnection(
        with relay: PeerID, _ address: Multiaddr?
    ) async throws(TransportError) -> ConnectionHandle {
        guard relay != peerID else { throw .dialledSelf }
        if let connection = state.withLock({ $0.table.direct(with: relay) }) { return connection }
        guard let address else { throw .notConnected(relay) }
        try await dial(address)
        guard let connection = state.withLock({ $0.table.direct(with: relay) }) else {
            throw .notConnected(relay)
        }
        return connection
    }

    private func ask(
        _ question: HopMessage, on stream: SwarmStream
    ) async throws(TransportError) -> HopMessage {
        let timeout = StreamTimeout(stream: stream, after: limits.circuitTimeout)
        defer { timeout.cancel() }
        try await stream.writeLengthPrefixed(question.bytes)
        let bytes = try await stream.readLengthPrefixed(
            maxByteCount: RelayProtocol.messageByteCountMax)
        guard let bytes else { throw .endedEarly(expectedByteCount: 1, receivedByteCount: 0) }
        do throws(LibP2PError) {
            return try HopMessage(bytes: bytes)
        } catch {
            stream.reset()
            throw .negotiationFailed(error)
        }
    }

    // MARK: The far end

    /// Takes a circuit that a relay offers, if this node has a reservation with it.
    func serveStop(_ connection: ConnectionHandle, _ stream: SwarmStream) async {
        let timeout = StreamTimeout(stream: stream, after: limits.circuitTimeout)
        defer { timeout.cancel() }
        do {
            guard
                let bytes = try await stream.readLengthPrefixed(
                    maxByteCount: RelayProtocol.messageByteCountMax)
            else { return stream.reset() }
            guard let message = try? StopMessage(bytes: bytes) else {
                return try await answer(.malformedMessage, on: stream)
            }
            guard case .connect(let source, let limit) = message else {
                return try await answer(.unexpectedMessage, on: stream)
            }
            guard !connection.isRelayed, admitsCircuit(from: source, through: connection.peer)
            else { return try await answer(.permissionDenied, on: stream) }
            if let reason = openGate(for: connection.peer) {
                logger.info(
                    "circuit refused",
                    metadata: ["relay": "\(connection.peer)", "reason": "\(reason)"])
                return try await answer(.resourceLimitExceeded, on: stream)
            }
            do {
                try await stream.writeLengthPrefixed(StopMessage.status(.ok).bytes)
            } catch {
                closeGate(for: connection.peer, endsUpgrade: true)
                throw error
            }
            timeout.cancel()
            let relayed =
                (try? connection.remoteAddress.appending(connection.peer)).flatMap {
                    try? Multiaddr(relay: $0, target: nil)
                }
            let route = CircuitRoute(
                relay: connection.peer, limit: limit, address: relayed ?? connection.remoteAddress)
            try await take(stream, route, from: source)
        } catch {
            logger.info(
                "circuit not taken",
                metadata: ["relay": "\(connection.peer)", "reason": "\(error)"])
            stream.reset()
        }
    }

    private func take(
        _ stream: SwarmStream, _ route: CircuitRoute, from source: PeerID
    ) async throws {
        do {
            let (_, channel) = try await upgrade(
                stream, route, expectedPeer: source, isDialer: false)
            // The stream is closed when its service returns.
            await channel.closed()
        } catch {
            logger.info(
                "inbound circuit failed",
                metadata: ["relay": "\(route.relay)", "peer": "\(source)", "reason": "\(error)"])
        }
    }

    private func answer(_ status: RelayStatus, on stream: SwarmStream) async throws {
        try await stream.writeLengthPrefixed(StopMessage.status(status).bytes)
        await stream.closeWrite()
    }

    private func admitsCircuit(from source: PeerID, through relay: PeerID) -> Bool {
        guard source != peerID, refusal(of: source) == nil else { return false }
        return state.withLock { $0.reservedRelays.contains(relay) }
    }

    /// Counts an inbound circuit as a socket from its relay.
    private func openGate(for relay: PeerID) -> ResourceLimit? {
        state.withLock { $0.gate.open("circuit/\(relay)", isCircuit: true) }
    }

    private func closeGate(for relay: PeerID, endsUpgrade: Bool) {
        state.withLock { state in
            if endsUpgrade { state.gate.endUpgrade("circuit/\(relay)") }
            state.gate.close("circuit/\(relay)")
        }
    }

    // MARK: Upgrade

    /// Secures and multiplexes a circuit.
    ///
    /// - Parameter expectedPeer: Who is dialled, or whom the relay named as the peer that asks; one
    ///   that proves another identity is refused.
    func upgrade(
        _ stream: SwarmStream, _ route: CircuitRoute, expectedPeer: PeerID, isDialer: Bool
    ) async throws(TransportError) -> (peer: PeerID, channel: CircuitChannel) {
        let promise = stream.eventLoop.makePromise(of: (PeerID, CircuitChannel).self)
        stream.eventLoop.execute { [self] in
            let channel = CircuitChannel(stream: stream, limit: route.limit)
            if !isDialer {
                channel.closeFuture.whenComplete { [self] _ in
                    closeGate(for: route.relay, endsUpgrade: false)
                }
            }
            do {
                try upgrade(
                    channel, expectedPeer: expectedPeer, isDialer: isDialer, via: route
                ) { [self] result in
                    if !isDialer {
                        state.withLock { $0.gate.endUpgrade("circuit/\(route.relay)") }
                    }
                    promise.completeWith(
                        result.map { ($0, channel) }.mapError { $0 as any Error })
                }
                channel.start()
            } catch {
                if !isDialer {
                    state.withLock { $0.gate.endUpgrade("circuit/\(route.relay)") }
                }
                channel.close(promise: nil)
                promise.fail(error)
            }
        }
        do {
            return try await promise.futureResult.get()
        } catch {
            throw (error as? TransportError) ?? .connectionClosed(.remoteClosed)
        }
    }

    private func warnOfSmallLimit(_ route: CircuitRoute, peer: PeerID) {
        guard !route.limit.carries(configuration.circuitByteCountMin) else { return }
        logger.warning(
            "relay's limit is too small for updates",
            metadata: [
                "relay": "\(route.relay)", "peer": "\(peer)", "limit": "\(route.limit)",
                "neededBytes": "\(configuration.circuitByteCountMin)",
            ])
    }
}
