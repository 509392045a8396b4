internal import Cryptography
internal import FoundationEssentials
internal import LibP2P
internal import Logging
internal import NIOCore
internal import Synchronization

extension Swarm {
    /// Registers identify, its push, and ping.
    func registerOwnServices() {
        register(IdentifyMessage.protocolID) { [weak self] connection, stream in
            await self?.serveIdentify(connection, stream)
        }
        register(IdentifyMessage.pushProtocolID) { [weak self] connection, stream in
            await self?.receivePush(connection, stream)
        }
        register(PingInstance.protocolID) { [weak self] connection, stream in
            await self?.servePing(connection, stream)
        }
    }

    /// This node's description for the other end of a connection.
    private func ownMessage(for connection: ConnectionHandle) throws(LibP2PError) -> [UInt8] {
        let addresses = toldAddresses.map { $0.removingPeerID() }
        let (protocols, sequenceNumber) = state.withLock { state in
            // Strictly increasing even where the clock is not.
            state.recordSequenceNumber = max(state.recordSequenceNumber + 1, Self.unixNanoseconds)
            return (state.services.keys.sorted(), state.recordSequenceNumber)
        }
        var addressCount = min(addresses.count, 16)
        while true {
            let told = Array(addresses.prefix(addressCount))
            let record = PeerRecord(
                peerID: peerID, sequenceNumber: sequenceNumber, addresses: told
            )
            let message = IdentifyMessage(
                publicKey: configuration.identity.publicKey, listenAddresses: told,
                protocols: protocols, observedAddress: connection.remoteAddress,
                protocolVersion: configuration.protocolVersion,
                agentVersion: configuration.fullAgentVersion,
                signedPeerRecord: try record.sealed(by: configuration.identity)
            )
            do {
                return try message.encode()
            } catch {
                guard addressCount > 0 else { throw error }
                addressCount /= 2
            }
        }
    }

    private static var unixNanoseconds: UInt64 {
        UInt64(Date().timeIntervalSince1970 * 1e9)
    }

    private func serveIdentify(_ connection: ConnectionHandle, _ stream: SwarmStream) async {
        do {
            try await stream.writeLengthPrefixed(try ownMessage(for: connection))
        } catch {
            logger.debug("identify not sent", metadata: ["reason": "\(error)"])
        }
    }

    /// Asks a new connection's peer who it is.
    func identify(on connection: ConnectionHandle) {
        Task { [self] in
            do {
                let stream = try await openStream(
                    on: connection, protocol: IdentifyMessage.protocolID, isLazy: false
                )
                await stream.closeWrite()
                let message = try await receiveIdentify(stream)
                try message.verifyKey(of: connection.peer)
                accept(message, from: connection)
            } catch {
                logger.info(
                    "identify failed",
                    metadata: [
                        "peer": "\(connection.peer)", "reason": "\(error)",
                    ])
            }
        }
    }

    private func receiveIdentify(_ stream: SwarmStream) async throws -> IdentifyMessage {
        let timeout = StreamTimeout(stream: stream, after: limits.streamNegotiationTimeout)
        defer { timeout.cancel() }
        var receiver = IdentifyReceiverInstance()
        do {
            while let bytes = try await stream.read() {
                try receiver.receive(bytes)
            }
            return try receiver.finish()
        } catch {
            stream.reset()
            throw error
        }
    }

    private func receivePush(_ connection: ConnectionHandle, _ stream: SwarmStream) async {
        guard connection.takePush(perMinute: limits.identifyPushCountMaxPerMinute) else {
            logger.info("identify push refused", metadata: ["peer": "\(connection.peer)"])
            return stream.reset()
        }
        do {
            let push = try await receiveIdentify(stream)
            if push.publicKeyMessage != nil { try push.verifyKey(of: connection.peer) }
            var message = state.withLock { $0.identified[connection.peer] } ?? IdentifyMessage()
            message.update(from: push)
            accept(message, from: connection)
        } catch {
            logger.info(
                "identify push failed",
                metadata: [
                    "peer": "\(connection.peer)", "reason": "\(error)",
                ])
        }
    }

    private func accept(_ message: IdentifyMessage, from connection: ConnectionHandle) {
        var record: PeerRecord?
        do {
            record = try message.peerRecord(of: connection.peer)
        } catch {
            logger.info(
                "peer record refused",
                metadata: [
                    "peer": "\(connection.peer)", "reason": "\(error)",
                ]
            )
        }
        connection.noteAgent(message.agentVersion)
        checkInstances(of: connection.peer)
        state.withLock { [record] state in
            guard !state.table.connections(with: connection.peer).isEmpty else { return }
            state.identified[connection.peer] = message
            emit(.identified(connection.peer, message, record: record))
        }
    }

    /// Tells all connected peers that this node's addresses or protocols changed.
    public func pushIdentify() async {
        let connections = state.withLock { state in
            state.table.peers.compactMap { peer in
                let serves =
                    state.identified[peer]?.protocols
                    .contains(IdentifyMessage.pushProtocolID) ?? false
                return serves ? state.table.preferred(for: peer) : nil
            }
        }
        for connection in connections {
            do {
                let stream = try await openStream(
                    on: connection, protocol: IdentifyMessage.pushProtocolID, isLazy: true
                )
                try await stream.writeLengthPrefixed(try ownMessage(for: connection))
                await stream.closeWrite()
            } catch {
                logger.info(
                    "identify push not sent",
                    metadata: [
                        "peer": "\(connection.peer)", "reason": "\(error)",
                    ])
            }
        }
    }
}
