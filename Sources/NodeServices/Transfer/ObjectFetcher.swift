public import Cryptography
public import LibP2P
public import Logging

/// Fetches objects from peers into the store: asks several providers at once, goes on where an
/// earlier fetch stopped, and fetches an object once however many ask for it at the same time.
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

    struct Job {
        var providers: [PeerID]
        var progress: [Int: ProgressHandler] = [:]
        var followers: [Int: AsyncStream<Result<FetchReport, TransferError>>.Continuation] = [:]
    }

    struct Liar: Hashable {
        let objectID: Digest
        let peer: PeerID
    }

    let store: any ObjectStore
    let streams: any StreamOpener
    let settings: TransferSettings
    let clock: ServiceClock
    let logger: Logger
    var jobs: [Digest: Job] = [:]
    private var nextTicket = 0
    var liars: [Liar] = []
    var rates: [PeerID: Double] = [:]

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

    private func takeTicket() -> Int {
        nextTicket += 1
        return nextTicket
    }
}
