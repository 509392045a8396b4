public import LibP2P
public import Logging
internal import Synchronization
public import Transports

/// What makes connections; the seam for `Swarm`.
public protocol PeerDialer: Sendable {
    /// Connects to an address, or names the peer of the connection that is already there.
    func dial(_ address: Multiaddr) async throws(TransportError) -> PeerID

    /// Closes the connections with a peer.
    func disconnect(_ peer: PeerID, reason: String) async
}

extension Swarm: PeerDialer {}

/// Finds peers and keeps connections with them: dials the configured list, wanted members and the
/// passive view, with back-off, and exchanges signed peer records.
///
/// The node hands every event of the swarm to ``handle(_:)`` and runs ``run()`` as a service.
public final class PeerConnector: Sendable {
    private struct State {
        var instance: PeerConnectorInstance
        var generator: any RandomNumberGenerator & Sendable
        var alarm = Alarm()
    }

    private let dialer: any PeerDialer
    private let streams: any StreamOpener
    private let ownRecord: @Sendable () async -> SignedEnvelope?
    private let persist: @Sendable (_ view: [UInt8]) async -> Void
    private let settings: PeerConnectorSettings
    private let clock: ServiceClock
    private let logger: Logger
    private let state: Mutex<State>
    private let inbox: AsyncStream<PeerConnectorInstance.Event>
    private let inboxContinuation: AsyncStream<PeerConnectorInstance.Event>.Continuation

    /// Makes a connector that does nothing before `run()`.
    ///
    /// - Parameters:
    ///   - swarm: What dials and opens streams.
    ///   - localPeer: This node, which is never dialled.
    ///   - configured: The peer list; addresses with a peer id are of that peer only.
    ///   - view: The passive view that an earlier run left.
    ///   - ownRecord: This node's signed record with its present addresses; nil while it has none,
    ///     then nothing is exchanged. `seq` must grow with each change.
    ///   - persist: Keeps the bytes of the view for the next run.
    ///   - generator: Draws the order of dials, the jitter and the records that are told.
    public init(
        swarm: any PeerDialer & StreamOpener, localPeer: PeerID, configured: [Multiaddr],
        view: PassiveView = PassiveView(), settings: PeerConnectorSettings = .init(),
        clock: ServiceClock = .system, generator: any RandomNumberGenerator & Sendable,
        logger: Logger,
        ownRecord: @escaping @Sendable () async -> SignedEnvelope?,
        persist: @escaping @Sendable (_ view: [UInt8]) async -> Void
    ) {
        dialer = swarm
        streams = swarm
        self.ownRecord = ownRecord
        self.persist = persist
        self.settings = settings
        self.clock = clock
        self.logger = logger
        let instance = PeerConnectorInstance(
            localPeer: localPeer, view: view, settings: settings)
        state = Mutex(State(instance: instance, generator: generator))
        // Nothing may be dropped, or a dial would count as under way for ever. What feeds the inbox
        // is bounded: dials, one exchange for each connection and direction, the swarm's own queue.
        (inbox, inboxContinuation) = AsyncStream.makeStream(of: PeerConnectorInstance.Event.self)
        inboxContinuation.yield(.configured(configured))
    }

    /// Serves the exchange protocol at a swarm; call it before the swarm starts.
    public func register(at swarm: Swarm) {
        swarm.register(protocol: PeerExchange.protocolID) { peer, stream in
            await self.serveExchange(stream, with: peer)
        }
    }

    /// Names the peers to keep connected always; replaces those named before.
    public func setWanted(_ peers: [PeerID]) {
        inboxContinuation.yield(.wanted(peers))
    }

    /// Replaces the configured list.
    public func setConfigured(_ addresses: [Multiaddr]) {
        inboxContinuation.yield(.configured(addresses))
    }

    /// Names who is neither dialled nor told of; replaces those named before.
    public func setBans(_ bans: Bans) {
        inboxContinuation.yield(.banned(bans))
    }

    /// Names peers whose connections are spared where there are too many; replaces those before.
    public func setProtected(_ peers: [PeerID]) {
        inboxContinuation.yield(.protected(Set(peers)))
    }

    /// Takes an event of the swarm.
    public func handle(_ event: SwarmEvent) {
        switch event {
        case .connected(let peer, let address, let isDialer):
            inboxContinuation.yield(.connected(peer, address: address, isDialer: isDialer))
        case .disconnected(let peer, let reason):
            inboxContinuation.yield(.disconnected(peer, reason: "\(reason)"))
        case .identified(let peer, let message, let record):
            inboxContinuation.yield(
                .identified(
                    peer, addresses: record?.addresses ?? message.listenAddresses,
                    servesExchange: message.protocols.contains(PeerExchange.protocolID)))
            if record != nil, let envelope = message.signedPeerRecord,
                let signed = try? SignedPeerRecord(envelope: envelope), signed.peerID == peer
            {
                inboxContinuation.yield(.received([signed], from: peer))
            }
        }
    }

    /// The passive view as it is now.
    public var passiveView: PassiveView { state.withLock { $0.instance.view } }

    /// Connects, keeps connected and exchanges records until the task is cancelled; once.
    public func run() async throws {
        await withDiscardingTaskGroup { group in
            for await event in inbox {
                for directive in step(event) { perform(directive, in: &group) }
                guard let setting = setAlarm() else { continue }
                group.addTask {
                    do { try await self.clock.sleep(setting.wait) } catch { return }
                    guard self.state.withLock({ $0.alarm.rings(setting) }) else { return }
                    self.inboxContinuation.yield(.tick)
                }
            }
            group.cancelAll()
        }
        let isChanged = state.withLock { $0.instance.takeUnpersisted() }
        if isChanged { await persist(passiveView.bytes) }
    }

    private func step(
        _ event: PeerConnectorInstance.Event
    ) -> [PeerConnectorInstance.Directive] {
        let now = clock.now()
        let unixMilliseconds = clock.unixMilliseconds()
        return state.withLock { state in
            var generator = ErasedGenerator(base: state.generator)
            defer { state.generator = generator.base }
            return state.instance.handle(
                event, now: now, unixMilliseconds: unixMilliseconds, using: &generator)
        }
    }

    /// Sets the alarm for the instance's next tick, unless it rings by then.
    private func setAlarm() -> Alarm.Setting? {
        let now = clock.now()
        return state.withLock { $0.alarm.set(for: $0.instance.nextWake(now: now), now: now) }
    }

    private func perform(
        _ directive: PeerConnectorInstance.Directive, in group: inout DiscardingTaskGroup
    ) {
        switch directive {
        case .dial(let key, let address):
            group.addTask { await self.dial(key, address) }
        case .exchange(let peer):
            group.addTask {
                await self.openExchange(with: peer)
                self.inboxContinuation.yield(.exchangeEnded(peer))
            }
        case .close(let peer, let reason):
            logger.info("connection closed", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
            group.addTask { await self.dialer.disconnect(peer, reason: reason) }
        case .persist:
            let bytes = passiveView.bytes
            group.addTask { await self.persist(bytes) }
        case .note(let message, let peer, let address):
            var metadata: Logger.Metadata = [:]
            if let peer { metadata["peer"] = "\(peer)" }
            if let address { metadata["address"] = "\(address)" }
            logger.info("\(message)", metadata: metadata)
        }
    }

    private func dial(_ key: DialKey, _ address: Multiaddr) async {
        do {
            let peer = try await dialer.dial(address)
            inboxContinuation.yield(.dialled(key, address, peer))
        } catch {
            let isHopeless = if case .dialledSelf = error { true } else { false }
            inboxContinuation.yield(
                .dialFailed(key, address, reason: "\(error)", isHopeless: isHopeless))
        }
    }

    // MARK: Exchange

    private func openExchange(with peer: PeerID) async {
        guard let message = await makeMessage(for: peer) else { return }
        let stream: any MessageStream
        do {
            stream = try await streams.openMessageStream(
                to: peer, protocol: PeerExchange.protocolID)
        } catch {
            note("no stream for a peer exchange: \(error)", peer)
            return
        }
        await withDeadline(stream) {
            try await stream.writeLengthPrefixed(message.bytes)
            let answer = try await stream.readLengthPrefixed(
                maxByteCount: PeerExchange.messageByteCountMax)
            await stream.closeWrite()
            if let answer { try self.take(answer, from: peer) }
        } onFailure: { reason in
            self.note("peer exchange failed: \(reason)", peer)
        }
    }

    /// Answers one exchange that a peer opened.
    public func serveExchange(_ stream: any MessageStream, with peer: PeerID) async {
        let now = clock.now()
        let isAdmitted = state.withLock {
            $0.instance.admitExchange(from: peer, now: now)
        }
        guard isAdmitted, let message = await makeMessage(for: peer) else {
            note(isAdmitted ? "no own record to exchange" : "peer exchange again too soon", peer)
            stream.reset()
            return
        }
        await withDeadline(stream) {
            let question = try await stream.readLengthPrefixed(
                maxByteCount: PeerExchange.messageByteCountMax)
            guard let question else { return }
            try self.take(question, from: peer)
            try await stream.writeLengthPrefixed(message.bytes)
            await stream.closeWrite()
        } onFailure: { reason in
            self.note("peer exchange failed: \(reason)", peer)
        }
    }

    private func makeMessage(for peer: PeerID) async -> PeerExchange? {
        guard let own = await ownRecord()?.bytes,
            own.count <= PeerExchange.recordByteCountMax
        else { return nil }
        let others = state.withLock { state in
            var generator = ErasedGenerator(base: state.generator)
            defer { state.generator = generator.base }
            return state.instance.view.sample(
                count: PeerExchange.recordCountMax - 1, excluding: peer, using: &generator)
        }
        return PeerExchange(own: own, others: others)
    }

    private func take(_ bytes: [UInt8], from peer: PeerID) throws {
        let (records, faults) = try PeerExchange(bytes: bytes).open(from: peer)
        for fault in faults {
            logger.warning(
                "peer sent a bad record: \(fault)", metadata: ["peer": "\(peer)"])
        }
        inboxContinuation.yield(.received(records, from: peer))
    }

    private func withDeadline(
        _ stream: any MessageStream, work: () async throws -> Void,
        onFailure: (String) -> Void
    ) async {
        let watch = StallWatch(limit: settings.exchangeDeadline, clock: clock)
        let end = await withTaskCancellationHandler {
            await watch.run(onStall: { stream.reset() }) { () async -> String? in
                do {
                    try await work()
                    return nil
                } catch {
                    stream.reset()
                    return "\(error)"
                }
            }
        } onCancel: {
            stream.reset()
        }
        if let reason = end.result { onFailure(end.hasStalled ? "timed out" : reason) }
    }

    private func note(_ message: String, _ peer: PeerID) {
        logger.debug("\(message)", metadata: ["peer": "\(peer)"])
    }
}

/// A generator of any type, for calls that take `inout some RandomNumberGenerator`.
private struct ErasedGenerator: RandomNumberGenerator {
    var base: any RandomNumberGenerator & Sendable

    mutating func next() -> UInt64 {
        base.next()
    }
}
