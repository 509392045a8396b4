internal import Cryptography
internal import LibP2P

/// One object that is being fetched: the pure instance, and the streams on which it speaks.
///
/// Every exchange hands in what its provider says, and gets back what it has to keep; what others
/// have to send lands in their outboxes.
actor ObjectDownload {
    /// What an exchange has to send, in order.
    enum Outgoing: Sendable {
        case frame(TransferFrame)
        /// The end was another provider's doing: the stream is of no more use.
        case reset
    }

    /// What an exchange has to keep before it goes on.
    enum Acceptance: Sendable {
        case manifest(ObjectManifest)
        case chunk(index: Int, bytes: [UInt8])
    }

    private var instance: ObjectFetchInstance
    private let clock: ServiceClock
    private var outboxes: [PeerID: AsyncStream<Outgoing>.Continuation] = [:]
    private var ends: [PeerID: FetchEnd] = [:]
    private var rates: [PeerID: Double] = [:]
    private(set) var heldByteCount: Int
    private let wakeUp: AsyncStream<Void>.Continuation

    /// Starts from what the store holds; `changes` yields when the instance may want something else
    /// than before.
    init(_ instance: ObjectFetchInstance, clock: ServiceClock) {
        self.instance = instance
        self.clock = clock
        heldByteCount = Self.heldByteCount(of: instance)
        (changes, wakeUp) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Yields when another provider may be wanted, or when there is another time to look.
    let changes: AsyncStream<Void>

    var manifest: ObjectManifest? { instance.manifest }
    var isComplete: Bool { instance.isComplete }
    var refusal: ObjectManifestError? { instance.refusal }
    var wantsProvider: Bool { instance.wantsProvider(now: clock.now()) }

    /// How long until a look at the instance may show something new; nil if only a frame can.
    var timeToNextCheck: Duration? {
        let now = clock.now()
        return instance.nextCheck(now: now).map { max(.zero, $0 - now) }
    }

    func noteTime() {
        _ = handle(.tick, from: nil)
    }

    /// Notes that a stream with the provider is being opened, and makes its outbox.
    func ask(_ provider: PeerID) -> AsyncStream<Outgoing> {
        let (outgoing, continuation) = AsyncStream.makeStream(of: Outgoing.self)
        outboxes[provider] = continuation
        ends[provider] = nil
        _ = handle(.asked(provider), from: nil)
        return outgoing
    }

    func opened(_ provider: PeerID) {
        _ = handle(.opened(provider), from: nil)
    }

    func received(_ frame: TransferFrame, from provider: PeerID) -> [Acceptance] {
        handle(.received(frame, from: provider), from: provider)
    }

    func received(_ chunk: HashedChunk, from provider: PeerID) -> [Acceptance] {
        handle(.receivedChunk(chunk, from: provider), from: provider)
    }

    /// The bytes of a chunk are in the store; returns what of the object is.
    func noteStored(_ byteCount: Int) -> Int {
        heldByteCount += byteCount
        return heldByteCount
    }

    /// Whether the provider was asked for something that has not come.
    func owes(_ provider: PeerID) -> Bool { instance.owes(provider) }

    /// Why the instance has ended the use of a provider's stream, if it has.
    func end(of provider: PeerID) -> FetchEnd? { ends[provider] }

    /// The measured rate of the provider, up to its end.
    func bytesPerSecond(from provider: PeerID) -> Double? {
        instance.bytesPerSecond(from: provider) ?? rates[provider]
    }

    /// The stream is gone.
    func closed(_ provider: PeerID) {
        noteRate(of: provider)
        outboxes.removeValue(forKey: provider)?.finish()
        _ = handle(.closed(provider), from: nil)
    }

    private func handle(
        _ event: ObjectFetchInstance.Event, from provider: PeerID?
    ) -> [Acceptance] {
        if let provider { noteRate(of: provider) }
        var accepted: [Acceptance] = []
        for directive in instance.handle(event, now: clock.now()) {
            switch directive {
            case .send(let frame, let provider): outboxes[provider]?.yield(.frame(frame))
            case .acceptManifest(let manifest): accepted.append(.manifest(manifest))
            case .acceptChunk(let index, let bytes, _):
                accepted.append(.chunk(index: index, bytes: bytes))
            case .end(let end, let other):
                ends[other] = end
                if other != provider { outboxes[other]?.yield(.reset) }
            }
        }
        wakeUp.yield()
        return accepted
    }

    private func noteRate(of provider: PeerID) {
        if let rate = instance.bytesPerSecond(from: provider) { rates[provider] = rate }
    }

    private static func heldByteCount(of instance: ObjectFetchInstance) -> Int {
        guard let manifest = instance.manifest, let presence = instance.presence else { return 0 }
        return (0..<manifest.chunkCount).reduce(0) { sum, index in
            guard presence.contains(index) else { return sum }
            return sum + (manifest.byteRange(ofChunk: index)?.count ?? 0)
        }
    }
}
