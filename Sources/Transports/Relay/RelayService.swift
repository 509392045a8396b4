internal import Cryptography
internal import FoundationEssentials
public import LibP2P
internal import Logging
internal import NIOCore
internal import Synchronization

/// The relay itself: reservations, and circuits between two connected peers.
///
/// It holds no more of a circuit than the windows of its two streams: what one side is slow to take,
/// the other side has to wait for.
final class RelayService: Sendable {
    /// What is read of one side at once.
    private static let pieceByteCount = 64 << 10
    /// The time that the ends of a circuit have to close it once its limit is reached.
    private static let farewellTimeout = Duration.seconds(5)

    private let instance: Mutex<RelayHopInstance>
    private let settings: RelayHopSettings
    private let identity: SigningKey
    private let logger: Logger

    init(settings: RelayHopSettings, identity: SigningKey, logger: Logger) {
        self.settings = settings
        self.identity = identity
        self.logger = logger
        instance = Mutex(RelayHopInstance(settings: settings))
    }

    /// Peers that are reachable through this node, ascending.
    var reservedPeers: [PeerID] { instance.withLock(\.reservedPeers) }

    /// The circuits at present.
    var circuitCount: Int { instance.withLock(\.circuitCount) }

    /// A peer has no connection left.
    func disconnected(_ peer: PeerID) {
        instance.withLock { $0.disconnected(peer) }
    }

    /// Serves one question.
    func serve(_ connection: ConnectionHandle, _ stream: SwarmStream, of swarm: Swarm) async {
        let timeout = StreamTimeout(stream: stream, after: swarm.limits.circuitTimeout)
        do {
            let bytes = try await stream.readLengthPrefixed(
                maxByteCount: RelayProtocol.messageByteCountMax)
            timeout.cancel()
            guard let bytes else { return }
            switch try? HopMessage(bytes: bytes) {
            case .reserve:
                try await answer(reserve(connection, of: swarm), on: stream)
            case .connect(let target):
                try await connect(connection, stream, with: target, of: swarm)
            case .status:
                try await answer(.status(.unexpectedMessage, nil, nil), on: stream)
            case nil:
                try await answer(.status(.malformedMessage, nil, nil), on: stream)
            }
        } catch {
            timeout.cancel()
            logger.debug(
                "relay's question not answered",
                metadata: ["peer": "\(connection.peer)", "reason": "\(error)"])
            stream.reset()
        }
    }

    private func answer(_ message: HopMessage, on stream: SwarmStream) async throws {
        try await stream.writeLengthPrefixed(message.bytes)
        await stream.closeWrite()
    }

    // MARK: Reservations

    private func reserve(_ connection: ConnectionHandle, of swarm: Swarm) -> HopMessage {
        let host = connection.remoteAddress.tcpEndpoint?.host
        let answer = instance.withLock {
            $0.reserve(
                connection.peer, host: host.flatMap { InboundGate.isLoopback($0) ? nil : $0 },
                isRelayed: connection.isRelayed, nowSeconds: Self.unixSeconds)
        }
        switch answer {
        case .refused(let status):
            logger.info(
                "reservation refused",
                metadata: ["peer": "\(connection.peer)", "reason": "\(status)"])
            return .status(status, nil, nil)
        case .granted(let expiration):
            // Of a peer that has gone in the meantime nothing stays.
            if !swarm.isConnected(to: connection.peer) { disconnected(connection.peer) }
            let voucher = try? ReservationVoucher(
                relay: swarm.peerID, peer: connection.peer, expirationSeconds: expiration
            ).sealed(by: identity)
            logger.info("reservation made", metadata: ["peer": "\(connection.peer)"])
            return .status(
                .ok,
                RelayReservation(
                    expirationSeconds: expiration, addresses: swarm.relayAddresses,
                    voucher: voucher?.bytes),
                settings.limit)
        }
    }

    private static var unixSeconds: UInt64 {
        UInt64(max(Date().timeIntervalSince1970, 0))
    }

    // MARK: Circuits

    private func connect(
        _ connection: ConnectionHandle, _ stream: SwarmStream, with target: PeerID,
        of swarm: Swarm
    ) async throws {
        let grant = instance.withLock {
            $0.open(
                from: connection.peer, to: target, isRelayed: connection.isRelayed,
                nowSeconds: Self.unixSeconds)
        }
        let id: RelayHopInstance.CircuitID
        switch grant {
        case .refused(let status):
            return try await answer(.status(status, nil, nil), on: stream)
        case .granted(let circuit): id = circuit
        }
        defer { instance.withLock { $0.close(id) } }
        let far: SwarmStream
        do {
            far = try await openStop(to: target, from: connection.peer, of: swarm)
        } catch {
            logger.info(
                "circuit not made",
                metadata: [
                    "from": "\(connection.peer)", "to": "\(target)", "reason": "\(error)",
                ])
            return try await answer(.status(.connectionFailed, nil, nil), on: stream)
        }
        do {
            try await stream.writeLengthPrefixed(
                HopMessage.status(.ok, nil, settings.limit).bytes)
        } catch {
            far.reset()
            throw error
        }
        await bridge(stream, far)
    }

    private func openStop(
        to target: PeerID, from source: PeerID, of swarm: Swarm
    ) async throws -> SwarmStream {
        guard let connection = swarm.state.withLock({ $0.table.direct(with: target) }) else {
            throw TransportError.notConnected(target)
        }
        let stream = try await swarm.openStream(
            on: connection, protocol: RelayProtocol.stopProtocolID, isLazy: false)
        let timeout = StreamTimeout(stream: stream, after: swarm.limits.circuitTimeout)
        defer { timeout.cancel() }
        try await stream.writeLengthPrefixed(StopMessage.connect(source, settings.limit).bytes)
        let bytes = try await stream.readLengthPrefixed(
            maxByteCount: RelayProtocol.messageByteCountMax)
        guard let bytes, case .status(let status) = try StopMessage(bytes: bytes) else {
            stream.reset()
            throw TransportError.relayRefused(.unexpectedMessage)
        }
        guard status == .ok else {
            stream.reset()
            throw TransportError.relayRefused(status)
        }
        return stream
    }

    /// Moves bytes both ways until both sides have closed, one breaks off, or a limit is reached.
    private func bridge(_ near: SwarmStream, _ far: SwarmStream) async {
        let clocks = settings.limit.seconds.map { seconds in
            [near, far].map { StreamTimeout(stream: $0, after: .seconds(seconds)) }
        }
        async let forth = copy(from: near, to: far)
        async let back = copy(from: far, to: near)
        let counts = await (forth, back)
        for clock in clocks ?? [] { clock.cancel() }
        logger.info(
            "circuit ended",
            metadata: [
                "from": "\(near.peer)", "to": "\(far.peer)", "forth": "\(counts.0)",
                "back": "\(counts.1)",
            ])
    }

    private func copy(from source: SwarmStream, to target: SwarmStream) async -> UInt64 {
        var meter = CircuitMeter(byteCountMax: settings.limit.byteCount)
        do {
            while let bytes = try await source.read(max: Self.pieceByteCount) {
                let allowed = meter.take(bytes.count)
                guard allowed == bytes.count else {
                    // What fits goes through, and both ends learn of the limit by the end behind it.
                    for stream in [source, target] {
                        _ = StreamTimeout(stream: stream, after: Self.farewellTimeout)
                    }
                    try await target.write(Array(bytes.prefix(allowed)))
                    await target.closeWrite()
                    return meter.byteCount
                }
                try await target.write(bytes)
            }
            await target.closeWrite()
        } catch {
            source.reset()
            target.reset()
        }
        return meter.byteCount
    }
}

extension Swarm {
    /// Peers that are reachable through this node, ascending; none where it is no relay.
    public var relayedPeers: [PeerID] { relayService?.reservedPeers ?? [] }

    /// The circuits that go through this node at present.
    public var relayedCircuitCount: Int { relayService?.circuitCount ?? 0 }

    /// Where this node can be dialled as a relay; loopback only where there is nothing else.
    var relayAddresses: [Multiaddr] {
        let direct = toldAddresses.filter { $0.tcpEndpoint != nil && !$0.isUnspecified }
        let outer = direct.filter { address in
            address.tcpEndpoint.map { !InboundGate.isLoopback($0.host) } ?? false
        }
        return outer.isEmpty ? direct : outer
    }

    func registerRelay() {
        register(RelayProtocol.stopProtocolID) { [weak self] connection, stream in
            await self?.serveStop(connection, stream)
        }
        guard let relayService else { return }
        register(RelayProtocol.hopProtocolID) { [weak self] connection, stream in
            guard let self else { return stream.reset() }
            await relayService.serve(connection, stream, of: self)
        }
    }
}
