public import Cryptography
public import LibP2P
public import Logging

/// Fetches objects from peers into the store: asks providers in turn, goes on where an earlier
/// attempt stopped, and fetches an object once however many ask for it at the same time.
///
/// A provider whose bytes were wrong is not asked for that object again while this fetcher lives.
public actor ObjectFetcher {
    /// Called with each accepted chunk, in order; it must be quick.
    public typealias ProgressHandler = @Sendable (FetchProgress) -> Void

    /// Pairs of an object and a provider that lied about it that are remembered; the oldest goes.
    static let liarCountMax = 1024
    /// Attempts that an error names; the latest ones.
    static let namedAttemptCountMax = 32
    /// Peers whose rate is remembered.
    static let rateCountMax = 256

    private struct Job {
        var providers: [PeerID]
        var progress: [Int: ProgressHandler] = [:]
        var followers: [Int: AsyncStream<Result<FetchReport, TransferError>>.Continuation] = [:]
    }

    private struct Liar: Hashable {
        let objectID: Digest
        let peer: PeerID
    }

    private let store: any ObjectStore
    private let streams: any StreamOpener
    private let settings: TransferSettings
    private let clock: ServiceClock
    private let logger: Logger
    private var jobs: [Digest: Job] = [:]
    private var nextTicket = 0
    private var liars: [Liar] = []
    private var rates: [PeerID: Double] = [:]

    /// Makes a fetcher that does nothing before it is asked.
    public init(
        store: any ObjectStore, streams: any StreamOpener,
        settings: TransferSettings = TransferSettings(), clock: ServiceClock = .system,
        logger: Logger
    ) {
        self.store = store
        self.streams = streams
        self.settings = settings
        self.clock = clock
        self.logger = logger
    }

    /// Brings an object into the store, whole and checked.
    ///
    /// Callers of the same object at the same time share one fetch, its providers and its outcome.
    /// Chunks that were accepted stay in the store, whatever ends the fetch.
    /// - Parameters:
    ///   - id: The object.
    ///   - byteCountMax: The greatest object that is accepted; checked at the manifest.
    ///   - providers: Connected peers that may hold it, the best first.
    ///   - progress: Called with each accepted chunk.
    /// - Throws: ``TransferError``; `cancelled` when the calling task is.
    @discardableResult
    public func fetch(
        _ id: Digest, byteCountMax: Int, from providers: [PeerID],
        progress: ProgressHandler? = nil
    ) async throws(TransferError) -> FetchReport {
        while jobs[id] != nil {
            guard let outcome = await follow(id, providers: providers, progress: progress) else {
                throw .cancelled(id)
            }
            switch outcome {
            case .success(let report):
                let byteCount = report.manifest.totalByteCount
                guard byteCount <= byteCountMax else {
                    throw .objectRefused(
                        id,
                        .objectTooLarge(byteCount: UInt64(byteCount), max: byteCountMax))
                }
                return report
            // These ends were those of another caller's limit or task.
            case .failure(.cancelled), .failure(.objectRefused): continue
            case .failure(let error): throw error
            }
        }
        return try await lead(id, byteCountMax, providers, progress)
    }

    /// The measured rate of a provider, a mean in which the latest fetch counts for a half; nil if
    /// it has given nothing yet.
    public func bytesPerSecond(from peer: PeerID) -> Double? {
        rates[peer]
    }

    /// The slowest measured rate of these providers; nil if none has given anything yet.
    public func slowestBytesPerSecond(of peers: [PeerID]) -> Double? {
        peers.compactMap { rates[$0] }.min()
    }

    private func follow(
        _ id: Digest, providers: [PeerID], progress: ProgressHandler?
    ) async -> Result<FetchReport, TransferError>? {
        let ticket = takeTicket()
        let (outcomes, continuation) = AsyncStream.makeStream(
            of: Result<FetchReport, TransferError>.self)
        jobs[id]?.providers += providers
        jobs[id]?.progress[ticket] = progress
        jobs[id]?.followers[ticket] = continuation
        var outcome: Result<FetchReport, TransferError>?
        for await value in outcomes { outcome = value }
        jobs[id]?.progress[ticket] = nil
        jobs[id]?.followers[ticket] = nil
        return outcome
    }

    private func lead(
        _ id: Digest, _ byteCountMax: Int, _ providers: [PeerID], _ progress: ProgressHandler?
    ) async throws(TransferError) -> FetchReport {
        var job = Job(providers: providers)
        job.progress[takeTicket()] = progress
        jobs[id] = job
        let outcome: Result<FetchReport, TransferError>
        do {
            outcome = .success(try await run(id, byteCountMax))
        } catch {
            outcome = .failure(error)
        }
        // Nothing is awaited from here on: who comes later starts anew.
        for follower in jobs.removeValue(forKey: id)?.followers.values ?? [:].values {
            follower.yield(outcome)
            follower.finish()
        }
        return try outcome.get()
    }

    private func run(
        _ id: Digest, _ byteCountMax: Int
    ) async throws(TransferError) -> FetchReport {
        var instance = try await stored(id, byteCountMax)
        if let manifest = instance.manifest, instance.presence?.isComplete == true {
            return FetchReport(
                manifest: manifest, receivedByteCount: 0, duration: .zero, providers: [])
        }
        var rotation = ProviderRotation(settings: settings)
        var attempts: [FetchAttempt] = []
        while true {
            guard !Task.isCancelled else { throw .cancelled(id) }
            rotation.add(jobs[id]?.providers ?? [])
            for liar in liars where liar.objectID == id { rotation.exclude(liar.peer) }
            switch rotation.next(now: clock.now()) {
            case .giveUp:
                if attempts.isEmpty { throw .noProvider(id) }
                throw .unavailable(id, attempts: attempts.suffix(Self.namedAttemptCountMax))
            case .wait(let duration):
                do {
                    try await clock.sleep(duration)
                } catch {
                    throw .cancelled(id)
                }
            case .ask(let provider):
                let attempt = try await ask(provider, for: &instance, byteCountMax)
                rotation.record(attempt, now: clock.now())
                attempts.append(attempt)
                if let report = try finished(id, instance, attempts) { return report }
                attempts.removeFirst(max(0, attempts.count - 4 * Self.namedAttemptCountMax))
            }
        }
    }

    private func finished(
        _ id: Digest, _ instance: ObjectFetchInstance, _ attempts: [FetchAttempt]
    ) throws(TransferError) -> FetchReport? {
        guard case .ended(let end) = attempts.last?.outcome else { return nil }
        if case .objectRefused(let error) = end { throw .objectRefused(id, error) }
        guard end == .complete, let manifest = instance.manifest else { return nil }
        var providers: [PeerID] = []
        for attempt in attempts where attempt.receivedByteCount > 0 {
            if !providers.contains(attempt.provider) { providers.append(attempt.provider) }
        }
        return FetchReport(
            manifest: manifest,
            receivedByteCount: attempts.reduce(0) { $0 + $1.receivedByteCount },
            duration: attempts.reduce(.zero) { $0 + $1.duration },
            providers: providers)
    }

    private func stored(
        _ id: Digest, _ byteCountMax: Int
    ) async throws(TransferError) -> ObjectFetchInstance {
        let manifest = try await store.storedManifest(id, byteCountMax: byteCountMax)
        var presence: ChunkPresence?
        do {
            if manifest != nil { presence = try await store.presence(id) }
        } catch {
            throw .storeFailed(error)
        }
        if presence?.count != manifest?.chunkCount { presence = nil }
        return ObjectFetchInstance(
            objectID: id, byteCountMax: byteCountMax, manifest: manifest, presence: presence)
    }

    /// Asks one provider, and leaves in `instance` what is left to ask the next one.
    private func ask(
        _ provider: PeerID, for instance: inout ObjectFetchInstance, _ byteCountMax: Int
    ) async throws(TransferError) -> FetchAttempt {
        let id = instance.objectID
        let start = clock.now()
        let stream: any MessageStream
        do {
            stream = try await streams.openMessageStream(
                to: provider, protocol: TransferProtocol.id)
        } catch {
            log(id, provider, "no stream: \(error)")
            return FetchAttempt(
                provider: provider, outcome: .notOpened(error), receivedByteCount: 0,
                duration: .zero)
        }
        let progress = Array((jobs[id]?.progress ?? [:]).values)
        let exchange = ProviderExchange(
            provider: provider, stream: stream, store: store, clock: clock,
            chunkDeadline: settings.chunkDeadline,
            onProgress: { step in for handler in progress { handler(step) } })
        let result = await exchange.run(from: instance)
        let duration = clock.now() - start
        instance = ObjectFetchInstance(
            objectID: id, byteCountMax: byteCountMax, manifest: result.manifest,
            presence: result.presence)
        switch result.outcome {
        case .failure(let error): throw .storeFailed(error)
        case .success(let outcome):
            note(id, provider, outcome, byteCount: result.receivedByteCount, duration)
            return FetchAttempt(
                provider: provider, outcome: outcome,
                receivedByteCount: result.receivedByteCount, duration: duration)
        }
    }

    private func note(
        _ id: Digest, _ provider: PeerID, _ outcome: FetchAttempt.Outcome, byteCount: Int,
        _ duration: Duration
    ) {
        if byteCount > 0, duration.seconds > 0 {
            let rate = Double(byteCount) / duration.seconds
            if rates[provider] == nil, rates.count >= Self.rateCountMax {
                rates.keys.min().map { rates[$0] = nil }
            }
            rates[provider] = rates[provider].map { ($0 + rate) / 2 } ?? rate
        }
        switch outcome {
        case .ended(.complete): log(id, provider, "\(byteCount) bytes in \(duration), complete")
        case .ended(.providerFault(let fault)):
            liars.append(Liar(objectID: id, peer: provider))
            liars.removeFirst(max(0, liars.count - Self.liarCountMax))
            logger.warning(
                "provider broke the transfer's rules and is not asked for this object again",
                metadata: [
                    "object": "\(id)", "peer": "\(provider)", "fault": "\(fault)",
                ])
        default: log(id, provider, "\(byteCount) bytes in \(duration), then \(outcome)")
        }
    }

    private func log(_ id: Digest, _ provider: PeerID, _ what: String) {
        logger.debug(
            "fetch: \(what)", metadata: ["object": "\(id)", "peer": "\(provider)"])
    }

    private func takeTicket() -> Int {
        nextTicket += 1
        return nextTicket
    }
}
