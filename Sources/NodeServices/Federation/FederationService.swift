internal import Cryptography
internal import Federation
internal import LibP2P
internal import Logging
internal import Storage
internal import Synchronization
internal import Tensors
internal import Transports

/// The shell around an instance of the protocol: feeds it what happens and does what it directs.
///
/// One task takes one input after the other. The directives of an input are carried out in order,
/// each to its end, before the next input: what is to be durable is on disk before the message
/// that depends on it leaves. Only what may take long (training, fetching, summing) runs beside it
/// and comes back as an event.
actor FederationService {
    /// Masking and opening take time in proportion to the adapter.
    private nonisolated let executor = SerialThreadExecutor(name: "federation")
    let parts: Parts
    var instance: any FederationInstance
    private let inputs: AsyncStream<Input>
    let inputSink: AsyncStream<Input>.Continuation
    private let clock = ContinuousClock()
    private let began = ContinuousClock().now
    private var fetches: [ObjectID: Task<Void, Never>] = [:]
    private var training: (round: UInt64, stop: StopFlag, task: Task<Void, Never>)?
    private nonisolated let trainingProgress = Mutex<TrainingProgress?>(nil)
    private var finishedAt: ContinuousClock.Instant?
    private var everyMemberHasFinalAt: ContinuousClock.Instant?
    private var lastStatusAt: ContinuousClock.Instant?
    var knownMembers: [PeerID] = []
    var wantedPeers: [PeerID] = []
    private var connected: Set<PeerID> = []
    /// The questions of the membership stream that wait for their answers.
    var questions: [UInt64: CheckedContinuation<[UInt8]?, Never>] = [:]
    var questionCount: UInt64 = 0
    /// What the last news of certificates was.
    var knownRevision = -1
    /// Why this node may take part no longer.
    private var exclusion: NodeError?

    init(parts: Parts, instance: any FederationInstance) {
        self.parts = parts
        self.instance = instance
        // Local events are few and must not be lost; peers' messages wait for their turn one a
        // peer, so the queue is bounded by the number of streams.
        (inputs, inputSink) = AsyncStream.makeStream(of: Input.self)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()
    }

    /// Takes a peer's message, or frame of a secure round, and returns when it has been dealt with.
    nonisolated func receive(from key: PublicKey, _ bytes: [UInt8], isFrame: Bool = false) async {
        await withCheckedContinuation { continuation in
            let result = inputSink.yield(
                isFrame
                    ? .frame(from: key, bytes: bytes, done: continuation)
                    : .message(from: key, bytes: bytes, done: continuation)
            )
            if case .enqueued = result { return }
            continuation.resume()
        }
    }

    /// Ends the run after the step that is under way.
    nonisolated func stop() {
        inputSink.yield(.stop)
    }

    /// Runs until the federation is finished or ``stop()`` is called.
    ///
    /// - Throws: ``NodeError`` when the store fails: without it nothing may be said any more.
    func run() async throws(NodeError) -> Ending {
        let sources = Task { await bringInputs() }
        defer { sources.cancel() }
        var ending = Ending.stopped
        do throws(NodeError) {
            try await carryOut(instance.handle(.started, now: now))
            if let exclusion { throw exclusion }
            loop: for await input in inputs {
                switch input {
                case .stop:
                    break loop
                case .event(let event):
                    try await carryOut(instance.handle(event, now: now))
                case .message(let key, let bytes, let done):
                    defer { done.resume() }
                    guard try await isConnected(PeerID(publicKey: key)) else { break }
                    try await carryOut(
                        instance.handle(.received(from: key, bytes: bytes), now: now)
                    )
                case .frame(let key, let bytes, let done):
                    defer { done.resume() }
                    guard try await isConnected(PeerID(publicKey: key)) else { break }
                    try await carryOut(
                        instance.handle(.receivedFrame(from: key, bytes: bytes), now: now)
                    )
                case .membership(let key, let bytes, let done):
                    try await carryOut(
                        instance.handle(question(of: key, bytes, done: done), now: now))
                case .swarm(let event):
                    try await handle(event)
                case .tick:
                    try await carryOut(instance.handle(.tick, now: now))
                    writeStatus()
                    if isOver {
                        ending = .finished
                        break loop
                    }
                }
                if let exclusion { throw exclusion }
            }
        } catch {
            await windDown()
            throw error
        }
        await windDown()
        return ending
    }

    var now: Timestamp {
        let elapsed = clock.now - began
        let (seconds, attoseconds) = elapsed.components
        return Timestamp(
            milliseconds: UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
        )
    }

    // MARK: - Directives

    /// Carries out directives in order; neighbouring durable ones share a transaction.
    private func carryOut(_ directives: [Directive]) async throws(NodeError) {
        var durable: [Directive] = []
        for directive in directives {
            switch directive {
            case .persist, .forget, .persistEntry, .appendLog:
                durable.append(directive)
                continue
            default:
                try await flush(&durable)
            }
            try await carryOut(directive)
        }
        try await flush(&durable)
        noteAdmission()
    }

    private func flush(_ durable: inout [Directive]) async throws(NodeError) {
        guard !durable.isEmpty else { return }
        try await parts.store.carryOut(durable)
        durable = []
    }

    private func carryOut(_ directive: Directive) async throws(NodeError) {
        switch directive {
        case .persist, .forget, .persistEntry, .appendLog:
            preconditionFailure("durable directives are carried out together")
        case .send(let peers, let bytes):
            parts.messenger.send(bytes, to: peers)
        case .sendFrame(let peers, let bytes):
            parts.secure?.frames.send(bytes, to: peers)
        case .sendChain(let height, let peer):
            if let message = try await parts.store.chainMessage(from: height) {
                parts.messenger.send(message, to: [peer])
            }
        case .membershipReply(let id, let bytes):
            noteAdmission()
            questions.removeValue(forKey: id)?.resume(returning: bytes)
        case .fetch(let order):
            beginFetch(order)
        case .cancelFetch(let id):
            fetches.removeValue(forKey: id)?.cancel()
        case .startTraining(let round, let base):
            beginTraining(round: round, base: base)
        case .stopTraining(let round):
            if let training, training.round == round { training.stop.set() }
        case .publish(let round, let state, let exampleCount):
            beginPublication(round: round, state: state, exampleCount: exampleCount)
        case .aggregate(let order):
            beginAggregation(order)
        case .aggregateSum(let order):
            beginAggregation(order)
        case .storeSum(let bytes, let summary):
            _ = try await parts.store.storeObject(bytes)
            inputSink.yield(.event(.updateReady(round: summary.round, summary: summary)))
        case .mix(let order):
            beginMix(order)
        case .discard(let objects):
            try await parts.store.deleteObjects(objects)
        case .adopt(let adapter, height: 0, let round) where parts.isGossip:
            // The instance itself says which objects may go; none is for strangers.
            parts.report(.adopted(adapter: adapter, round: round))
        case .adopt(let adapter, _, let round):
            try await parts.store.retire(
                before: round, keeping: parts.settings.retainedRoundCount, adapter: adapter
            )
            parts.access.open(adapter: adapter)
            parts.report(.adopted(adapter: adapter, round: round))
        case .refuse(let key, let reason):
            parts.report(.refused(key, reason))
            let peer = PeerID(publicKey: key)
            parts.logger.notice(
                "peer refused", metadata: ["peer": "\(peer)", "reason": "\(reason.sentence)"]
            )
            Task { [parts] in
                // The message that tells the peer why is still on its way.
                try? await Task.sleep(for: parts.settings.refusalGrace)
                await parts.swarm.disconnect(peer, reason: reason.sentence)
            }
        case .notify(let notification):
            if case .everyMemberHasFinal = notification { everyMemberHasFinalAt = clock.now }
            if case .membershipOver(let reason, let text) = notification {
                exclusion = Self.exclusion(reason, text)
            }
            parts.report(.federation(notification))
        case .finished:
            if finishedAt == nil {
                finishedAt = clock.now
                parts.report(
                    .finished(
                        adapter: instance.status(now: now).adapterDigest,
                        isCertified: !parts.isGossip))
            }
        }
    }

    // MARK: - Work beside the loop

    private func beginFetch(_ order: FetchOrder) {
        guard fetches[order.objectID] == nil else { return }
        fetches[order.objectID] = Task { [parts, inputSink] in
            let event = await ObjectIntake(
                store: parts.store, fetcher: parts.fetcher, aggregation: parts.aggregation,
                manifest: parts.manifest, logger: parts.logger
            ).bringIn(order) { rate in
                inputSink.yield(.event(.measuredTransferRate(bytesPerSecond: rate)))
            }
            guard !Task.isCancelled else { return }
            self.fetchEnded(order.objectID)
            inputSink.yield(.event(event))
        }
    }

    private func fetchEnded(_ id: ObjectID) {
        fetches[id] = nil
    }

    private func beginTraining(round: UInt64, base: ObjectID) {
        training?.stop.set()
        training?.task.cancel()
        guard let trainer = parts.trainer else {
            inputSink.yield(.event(.trainingFailed(round: round, reason: .belowMemory)))
            return
        }
        let stop = StopFlag()
        let task = Task { [parts, inputSink] in
            let event = await trainer.train(
                round: round, base: base, stop: stop
            ) { progress in
                inputSink.yield(
                    .event(
                        .trainingProgressed(
                            round: round, stepsDone: progress.step,
                            secondsPerStep: progress.secondsPerStep
                        )
                    )
                )
                self.trainingProgress.withLock { $0 = progress }
                parts.report(
                    .trained(
                        round: round, step: progress.step, stepCount: progress.stepCount,
                        loss: progress.loss, tokensPerSecond: progress.tokensPerSecond
                    )
                )
            }
            guard !Task.isCancelled, let event else { return }
            switch event {
            case .updateReady(_, let summary), .stateReady(_, _, let summary):
                parts.report(.updateReady(summary))
            case .contributionReady(let round, let contribution):
                parts.report(
                    .contributionReady(round: round, exampleCount: contribution.weight))
            default: break
            }
            inputSink.yield(.event(event))
        }
        training = (round, stop, task)
    }

    // MARK: - Network and ending

    private func handle(_ event: SwarmEvent) async throws(NodeError) {
        switch event {
        case .connected(let peer, _, _):
            try await connect(peer)
        case .disconnected(let peer, _):
            parts.messenger.disconnected(peer)
            parts.secure?.frames.disconnected(peer)
            connected.remove(peer)
            if let key = peer.publicKey {
                try await carryOut(instance.handle(.disconnected(key), now: now))
            }
        case .identified:
            break
        }
        noteMembers()
    }

    /// Whether a message's sender is still there; opens the way to it where the message comes first.
    ///
    /// One that comes after the connection's end opens nothing: no news of an end would follow.
    private func isConnected(_ peer: PeerID) async throws(NodeError) -> Bool {
        guard connected.contains(peer) || parts.swarm.isConnected(to: peer) else { return false }
        try await connect(peer)
        return true
    }

    /// Opens the way to a peer, once.
    private func connect(_ peer: PeerID) async throws(NodeError) {
        guard connected.insert(peer).inserted else { return }
        let messages = parts.messenger.connected(peer)
        Task { [parts] in await parts.messenger.deliver(messages, to: peer) }
        if let frames = parts.secure?.frames { frames.open(to: peer) }
        if let key = peer.publicKey {
            try await carryOut(instance.handle(.connected(key), now: now))
        }
    }

    /// Finished, and either everybody else is too (and has heard of us), or patience is over; never
    /// for a node that stays.
    private var isOver: Bool {
        guard let finishedAt, let patience = parts.settings.linger else { return false }
        if let at = everyMemberHasFinalAt, clock.now - at > parts.settings.farewell { return true }
        return clock.now - finishedAt > patience
    }

    private func writeStatus() {
        if let lastStatusAt, clock.now - lastStatusAt < .seconds(1) { return }
        lastStatusAt = clock.now
        let status = instance.status(now: now)
        noteMembers()
        parts.status.write(
            status, connected: parts.swarm.connectedPeers,
            training: trainingProgress.withLock { $0 }
        )
    }

    /// Ends what runs beside the loop.
    ///
    /// The step that is under way is finished.
    private func windDown() async {
        inputSink.finish()
        // Peers whose messages are still queued are released unheard.
        for await input in inputs {
            switch input {
            case .message(_, _, let done), .frame(_, _, let done): done.resume()
            case .membership(_, _, let done): done.resume(returning: nil)
            default: break
            }
        }
        for question in questions.values { question.resume(returning: nil) }
        questions = [:]
        training?.stop.set()
        training?.task.cancel()
        await training?.task.value
        for task in fetches.values { task.cancel() }
        parts.messenger.finish()
        parts.secure?.frames.finish()
        writeStatus()
    }
}
