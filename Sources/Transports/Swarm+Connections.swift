internal import LibP2P
internal import Logging
internal import NIOCore
internal import Synchronization

extension Swarm: ConnectionOwner {
    /// Puts the upgrade on a new channel; the completion is called once, on its event loop.
    ///
    /// A private network's key lies over sockets alone: a circuit's bytes are under it already.
    func upgrade(
        _ channel: any Channel, expectedPeer: PeerID?, isDialer: Bool,
        via route: CircuitRoute? = nil,
        completion: @escaping @Sendable (Result<PeerID, TransportError>) -> Void
    ) throws {
        let key = ObjectIdentifier(channel)
        state.withLock { $0.upgrading[key] = channel }
        let instance = UpgradeInstance(
            isDialer: isDialer, identity: configuration.identity, expectedPeer: expectedPeer
        )
        if let networkKey = configuration.networkKey, route == nil {
            try channel.pipeline.syncOperations
                .addHandler(PrivateNetworkHandler(key: networkKey))
        }
        let handler = UpgradeHandler(instance: instance, limits: limits) { [self] context, result in
            state.withLock { _ = $0.upgrading.removeValue(forKey: key) }
            switch result {
            case .success(let upgraded):
                completion(enter(upgraded, isDialer: isDialer, via: route, context))
            case .failure(let error):
                context.close(promise: nil)
                completion(.failure(error))
            }
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// Enters an upgraded connection in the table and starts it, or closes it.
    private func enter(
        _ upgraded: UpgradeInstance.Upgraded, isDialer: Bool, via route: CircuitRoute?,
        _ context: ChannelHandlerContext
    ) -> Result<PeerID, TransportError> {
        let peer = upgraded.noise.remotePeer
        guard peer != peerID else {
            context.close(promise: nil)
            return .failure(.dialledSelf)
        }
        if let refusal = refusal(of: peer) {
            context.close(promise: nil)
            return .failure(refusal)
        }
        var log = logger
        log[metadataKey: "peer"] = "\(peer)"
        let peerScope = state.withLock {
            $0.scopes[peer] ?? ResourceScope(peerIn: scope, limits: limits)
        }
        let connection = Connection(
            owner: self, isDialer: isDialer, upgraded: upgraded, limits: limits,
            scope: peerScope, isRelayed: route != nil, logger: log
        )
        guard let address = route?.address ?? context.channel.remoteMultiaddr else {
            context.close(promise: nil)
            return .failure(.upgradeFailed(stage: .muxer, reason: .remoteClosed))
        }
        let (handle, admission) = state.withLock { state in
            state.nextConnectionID += 1
            let handle = ConnectionHandle(
                id: state.nextConnectionID, peer: peer, isDialer: isDialer,
                remoteAddress: address, channel: context.channel, connection: connection,
                route: route
            )
            // A ban may have come during the upgrade; it closes what the table holds.
            guard state.phase != .stopped, !state.bans.contains(peer),
                !state.bans.contains(address)
            else { return (handle, nil as ConnectionTable.Admission?) }
            let admission = state.table.admit(handle)
            // Within the lock, so that the events of one peer keep their order.
            if case .entered(isFirst: true, _, _, _) = admission {
                state.scopes[peer] = peerScope
                emit(.connected(peer, address: address, isDialer: isDialer))
            }
            return (handle, admission)
        }
        switch admission {
        case nil:
            context.close(promise: nil)
            return .failure(refusal(of: peer) ?? .notRunning)
        case .refused(let limit):
            log.info("connection refused", metadata: ["limit": "\(limit)"])
            context.close(promise: nil)
            return .failure(.connectionLimitReached(.connections(limit)))
        case .duplicate:
            context.close(promise: nil)
            return .success(peer)
        case .entered(_, let retiring, let retiresNew, let closing):
            begin(connection, handle, context)
            let muxing = upgraded.noise.muxer == nil ? "negotiated" : "early"
            log.info(
                "connected",
                metadata: [
                    "address": "\(address)", "isDialer": "\(isDialer)", "muxer": "\(muxing)",
                ])
            retiring?.onLoop { $0.retire() }
            if retiresNew { handle.onLoop { $0.retire() } }
            closing?.onLoop { [limits] in $0.end(.limitReached(limits.connectionCountMaxPerPeer)) }
            identify(on: handle)
            return .success(peer)
        }
    }

    /// Why a peer is not talked to at present.
    func refusal(of peer: PeerID) -> TransportError? {
        state.withLock { state in
            if state.bans.contains(peer) { return .banned }
            return state.penalties.remaining(peer, now: Duration(NIODeadline.now()))
                .map { .penalised(remaining: $0) }
        }
    }

    private func begin(
        _ connection: Connection, _ handle: ConnectionHandle, _ context: ChannelHandlerContext
    ) {
        let operations = context.pipeline.syncOperations
        do {
            try operations.addHandler(connection)
            let own = try operations.context(handler: connection)
            operations.removeHandler(context: context, promise: nil)
            connection.begin(handle: handle, context: own)
        } catch {
            let reason = DisconnectReason(socketError: error)
            connection.end(reason)
            connectionEnded(handle, reason)
            context.close(promise: nil)
        }
    }

    func serves(_ protocolID: String) -> Bool {
        state.withLock { $0.services[protocolID] != nil }
    }

    func priority(of protocolID: String) -> YamuxPriority {
        configuration.promptProtocolPrefixes.contains { protocolID.hasPrefix($0) } ? .prompt : .bulk
    }

    func serve(_ stream: SwarmStream, on connection: ConnectionHandle) {
        guard let service = state.withLock({ $0.services[stream.protocolID] }) else {
            return stream.reset()
        }
        // The only place where inbound work begins; its streams bound it, and end with the
        // connection.
        Task {
            await service(connection, stream)
            await stream.closeWrite()
        }
    }

    func connectionEnded(_ connection: ConnectionHandle, _ reason: DisconnectReason) {
        let (isLast, penalty) = state.withLock { state in
            let isLast = state.table.remove(connection)
            let penalty =
                reason.isOffence && isLast != nil
                ? state.penalties.note(connection.peer, now: Duration(NIODeadline.now())) : nil
            if isLast == true {
                state.identified[connection.peer] = nil
                state.scopes[connection.peer] = nil
                state.reservedRelays.remove(connection.peer)
                relayService?.disconnected(connection.peer)
                emit(.disconnected(connection.peer, reason: reason))
            }
            return (isLast, penalty)
        }
        guard isLast != nil else { return }
        if let penalty {
            logger.notice(
                "peer broke the rules",
                metadata: [
                    "peer": "\(connection.peer)", "reason": "\(reason)",
                    "notTalkedToFor": "\(penalty)",
                ])
        }
        logger.info(
            "disconnected",
            metadata: [
                "peer": "\(connection.peer)", "reason": "\(reason)",
            ])
    }
}

extension Channel {
    /// The other end of the socket.
    fileprivate var remoteMultiaddr: Multiaddr? {
        guard let host = remoteAddress?.ipAddress, let port = remoteAddress?.port else {
            return nil
        }
        return try? Multiaddr(tcpHost: host, port: UInt16(clamping: port))
    }
}
