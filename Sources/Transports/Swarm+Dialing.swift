public import LibP2P
internal import NIOCore
internal import NIOPosix
internal import Synchronization

extension Swarm {
    /// Connects to an address, or names the peer of the connection that is already there.
    ///
    /// - Throws: `peerMismatch` if the address names another peer than the one that answers;
    ///   `dialFailed`, `dialTimedOut`, `upgradeFailed`, `connectionLimitReached`,
    ///   `banned`, `penalised`.
    @discardableResult
    public func dial(_ address: Multiaddr) async throws(TransportError) -> PeerID {
        let expected = address.peerID
        let (isRunning, isConnected, count) = state.withLock { state in
            (
                state.phase == .running,
                expected.map { state.table.isConnected(with: $0, by: address) } ?? false,
                state.table.count
            )
        }
        guard isRunning else { throw .notRunning }
        if let expected {
            guard expected != peerID else { throw .dialledSelf }
            if isConnected { return expected }
            if let refusal = refusal(of: expected) { throw refusal }
        }
        guard count < limits.connectionCountMax else {
            throw .connectionLimitReached(.connections(limits.connectionCountMax))
        }
        if address.isRelayed {
            guard let circuit = address.circuit else { throw .unsupportedAddress(address) }
            return try await dial(circuit, address)
        }
        let deadline = ContinuousClock.now + limits.dialTimeout
        var failure = TransportError.dialFailed(
            address: address, code: nil, detail: "the name has no address"
        )
        for endpoint in try await endpoints(of: address) {
            let remaining = deadline - ContinuousClock.now
            guard remaining > .zero else {
                throw .dialTimedOut(address: address, after: limits.dialTimeout)
            }
            if let hosts = configuration.dialledHosts, let host = endpoint.ipAddress,
                !hosts.contains(host)
            {
                failure = .hostNotAllowed(host)
                continue
            }
            if let host = endpoint.ipAddress, state.withLock({ $0.bans.contains(host: host) }) {
                failure = .banned
                continue
            }
            do {
                return try await dial(endpoint, address, within: remaining)
            } catch {
                failure = error
                guard case .dialFailed = error else { throw error }
            }
        }
        throw failure
    }

    private func endpoints(of address: Multiaddr) async throws(TransportError) -> [SocketAddress] {
        guard let (host, port) = address.tcpEndpoint else { throw .unsupportedAddress(address) }
        if let literal = try? SocketAddress(ipAddress: host, port: Int(port)) {
            return [literal]
        }
        let family: NameResolver.Family =
            switch address.components.first?.name {
            case "dns4": .v4
            case "dns6": .v6
            default: .any
            }
        let pool =
            configuration.dialledHosts == nil
            ? NIOThreadPool.singleton : NameResolver.strangersPool
        do {
            return try await NameResolver.resolve(
                host: host, port: port, family: family, within: limits.lookUpTimeout, on: pool,
                loop: group.next())
        } catch is NameResolver.TimedOut {
            throw .dialTimedOut(address: address, after: limits.lookUpTimeout)
        } catch {
            throw .dialFailed(address: address, code: nil, detail: String(describing: error))
        }
    }

    private func dial(
        _ endpoint: SocketAddress, _ address: Multiaddr, within remaining: Duration
    ) async throws(TransportError) -> PeerID {
        let isLocal = endpoint.ipAddress.map(InboundGate.isLoopback) ?? false
        let timeout = min(remaining, isLocal ? limits.localDialTimeout : limits.dialTimeout)
        let promise = group.next().makePromise(of: PeerID.self)
        let expected = address.peerID
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(
                .tcpOption(SocketOptions.unsentOption), value: SocketOptions.unsentByteCountMax
            )
            .channelOption(.allowRemoteHalfClosure, value: false)
            .channelOption(.writeBufferWaterMark, value: SocketOptions.waterMark)
            .channelOption(.recvAllocator, value: SocketOptions.receiveAllocator)
            .channelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try upgrade(channel, expectedPeer: expected, isDialer: true) { result in
                        promise.completeWith(result.mapError { $0 as any Error })
                    }
                }
            }
        do {
            _ = try await bootstrap.connect(to: endpoint).get()
        } catch {
            promise.fail(error)
            if error is ChannelError {
                throw .dialTimedOut(address: address, after: timeout)
            }
            let code = (error as? IOError)?.errnoCode
            throw .dialFailed(address: address, code: code, detail: String(describing: error))
        }
        do {
            return try await promise.futureResult.get()
        } catch {
            throw (error as? TransportError)
                ?? .dialFailed(address: address, code: nil, detail: String(describing: error))
        }
    }
}
