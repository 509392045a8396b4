public import Cryptography
public import LibP2P
public import Logging
public import Transports

/// Serves objects of the store to peers, a bounded number of streams at a time.
public actor ObjectServer {
    /// Whether a peer may have an object.
    ///
    /// One that may not is told what it would be told if the object were not here.
    public typealias AccessRule = @Sendable (_ peer: PeerID, _ objectID: Digest) async -> Bool

    private let store: any ObjectStore
    private let settings: TransferSettings
    private let clock: ServiceClock
    private let logger: Logger
    private let mayServe: AccessRule
    private var uploadCounts: [PeerID: Int] = [:]

    /// Makes a server that does nothing before it is registered.
    public init(
        store: any ObjectStore, settings: TransferSettings = TransferSettings(),
        clock: ServiceClock = .system, logger: Logger, mayServe: @escaping AccessRule
    ) {
        self.store = store
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.mayServe = mayServe
    }

    /// Serves the transfer protocol at a swarm; call it before the swarm starts.
    public nonisolated func register(at swarm: Swarm) {
        swarm.register(protocol: TransferProtocol.id) { peer, stream in
            await self.serve(stream, to: peer)
        }
    }

    /// The streams that are being served.
    public var uploadCount: Int { uploadCounts.values.reduce(0, +) }

    /// Serves one stream until the fetcher ends it, breaks the rules or stands still.
    public func serve(_ stream: any MessageStream, to peer: PeerID) async {
        let session = UploadSession(
            stream: stream, peer: peer, server: self, store: store, settings: settings,
            mayServe: mayServe)
        let watch = StallWatch(limit: settings.uploadIdleDeadline, clock: clock)
        let end = await withTaskCancellationHandler {
            await watch.run(onStall: { stream.reset() }) { await session.run(watch: watch) }
        } onCancel: {
            stream.reset()
        }
        if end.result.hasSlot { releaseSlot(of: peer) }
        let metadata: Logger.Metadata = [
            "peer": "\(peer)", "object": "\(end.result.objectID?.hexadecimal ?? "none")",
            "chunks": "\(end.result.chunkCount)",
        ]
        switch end.result.outcome {
        case .closed: logger.debug("upload ended", metadata: metadata)
        case .broken where end.hasStalled:
            logger.info("upload reset: nothing moved in time", metadata: metadata)
        case .broken(let error): logger.debug("upload broken: \(error)", metadata: metadata)
        case .fault(let fault):
            logger.warning("fetcher broke the transfer's rules: \(fault)", metadata: metadata)
        case .storeFailed(let error):
            logger.error("upload reset: the store failed: \(error)", metadata: metadata)
        }
    }

    /// Takes an upload slot for a stream of the peer; false if there is none.
    func takeSlot(for peer: PeerID) -> Bool {
        let count = uploadCounts[peer] ?? 0
        guard count < settings.uploadCountMaxPerPeer, uploadCount < settings.uploadCountMax else {
            return false
        }
        uploadCounts[peer] = count + 1
        return true
    }

    private func releaseSlot(of peer: PeerID) {
        let count = uploadCounts[peer] ?? 0
        precondition(count > 0, "a slot of \(peer) is released twice")
        uploadCounts[peer] = count == 1 ? nil : count - 1
    }
}
