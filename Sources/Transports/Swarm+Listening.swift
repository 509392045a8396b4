public import LibP2P
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

extension Swarm {
    /// Binds the listen addresses.
    ///
    /// A wildcard address is returned as the addresses of the interfaces that it stands for.
    ///
    /// - Returns: The bound addresses, each with `/p2p` and this node's id.
    /// - Throws: `bindFailed` or `unsupportedAddress`; then nothing is bound.
    public func start() async throws(TransportError) -> [Multiaddr] {
        var servers: [any Channel] = []
        do throws(TransportError) {
            guard state.withLock({ $0.phase == .idle }) else { throw .notRunning }
            var addresses: [Multiaddr] = []
            for address in configuration.listenAddresses {
                let channel = try await bind(address)
                servers.append(channel)
                addresses += try boundAddresses(of: channel, for: address)
            }
            let bound = addresses
            let channels = servers
            try state.withLock { state throws(TransportError) in
                guard state.phase == .idle else { throw .notRunning }
                state.phase = .running
                state.servers = channels
                state.addresses = bound
            }
            logger.info("listening", metadata: ["addresses": "\(bound)"])
            return bound
        } catch {
            for channel in servers {
                channel.close(promise: nil)
                await channel.closed()
            }
            throw error
        }
    }

    private func bind(_ address: Multiaddr) async throws(TransportError) -> any Channel {
        guard let endpoint = address.tcpEndpoint else { throw .unsupportedAddress(address) }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture { try accept(channel) }
            }
            .configured()
        do {
            return try await bootstrap.bind(host: endpoint.host, port: Int(endpoint.port)).get()
        } catch {
            let code = (error as? IOError)?.errnoCode
            throw .bindFailed(address: address, code: code, detail: String(describing: error))
        }
    }

    private func boundAddresses(
        of channel: any Channel, for address: Multiaddr
    ) throws(TransportError) -> [Multiaddr] {
        guard let local = channel.localAddress, let port = local.port else {
            throw .unsupportedAddress(address)
        }
        var hosts = [local.ipAddress].compactMap(\.self)
        if address.isUnspecified {
            let devices = (try? System.enumerateDevices()) ?? []
            hosts = devices.compactMap(\.address)
                .filter { $0.protocol == local.protocol }
                .compactMap(\.ipAddress)
                .filter { !$0.hasPrefix("fe80:") }
        }
        do {
            return try hosts.map { host in
                try Multiaddr(tcpHost: host, port: UInt16(clamping: port)).appending(peerID)
            }
        } catch {
            throw .unsupportedAddress(address)
        }
    }

    /// Begins the upgrade of an inbound socket, or closes it where a limit is reached.
    private func accept(_ channel: any Channel) throws {
        guard let remote = channel.remoteAddress, let host = remote.ipAddress else {
            channel.close(promise: nil)
            return
        }
        let refusal = state.withLock { state -> (reason: String, count: Int?)? in
            let reason: String
            if state.phase == .stopped {
                reason = "the node stops"
            } else if state.bans.contains(host: host) {
                reason = "the address is banned"
            } else if let limit = state.gate.open(host) {
                reason = limit.description
            } else {
                return nil
            }
            return (reason, state.refusalLog.add(1, now: Duration(NIODeadline.now())))
        }
        if let refusal {
            // A flood of sockets must not become a flood of lines.
            if let count = refusal.count {
                logger.info(
                    "inbound connection refused",
                    metadata: [
                        "address": "\(host)", "reason": "\(refusal.reason)", "count": "\(count)",
                    ])
            }
            channel.close(promise: nil)
            return
        }
        channel.closeFuture.whenComplete { [self] _ in
            state.withLock { $0.gate.close(host) }
        }
        try upgrade(channel, expectedPeer: nil, isDialer: false) { [self] result in
            state.withLock { $0.gate.endUpgrade(host) }
            guard case .failure(let error) = result,
                let count = state.withLock({
                    $0.refusalLog.add(1, now: Duration(NIODeadline.now()))
                })
            else { return }
            logger.info(
                "inbound upgrade failed",
                metadata: ["address": "\(host)", "reason": "\(error)", "count": "\(count)"])
        }
    }
}

extension ServerBootstrap {
    /// The options of every accepted socket.
    fileprivate func configured() -> ServerBootstrap {
        childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                .tcpOption(SocketOptions.unsentOption), value: SocketOptions.unsentByteCountMax
            )
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelOption(.writeBufferWaterMark, value: SocketOptions.waterMark)
            .childChannelOption(.recvAllocator, value: SocketOptions.receiveAllocator)
    }
}

/// What inbound and dialled sockets have in common.
enum SocketOptions {
    /// A few records: enough for one write call to be worth its cost, few enough not to keep what is
    /// prompt waiting.
    static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 64 << 10, high: 256 << 10)
    /// What the kernel takes beyond what is on its way.
    ///
    /// What is prompt waits behind it, on a link of 4 Mbit/s for a quarter of a second. Without this
    /// bound it is up to 4 MiB.
    static let unsentByteCountMax: ChannelOptions.Types.SocketOption.Value = 128 << 10
    /// TCP_NOTSENT_LOWAT.
    #if canImport(Darwin)
    static let unsentOption = NIOBSDSocket.Option(rawValue: 0x201)
    #else
    static let unsentOption = NIOBSDSocket.Option(rawValue: 25)
    #endif
    /// Grows to a few records per read while a transfer runs.
    static var receiveAllocator: any RecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 2_048, initial: 8_192, maximum: 256 << 10)
    }
}
