public import Cryptography

/// The fetcher's half of a transfer: asks several providers at once for the chunks of one object
/// that are missing, and lets nothing in that does not hash to its id.
///
/// Moves of a provider: asked → open (`opened`) → ended, by a directive or `closed`. It may be
/// asked again after its end. What was accepted stays in ``manifest`` and ``presence``.
///
/// A chunk is asked of one provider at a time. What a provider still owes at its end is asked of
/// the others; near the end of the object an idle provider is also asked for what a slower one
/// owes, and whoever sends it second has it dropped.
///
/// Source: docs/protocol/transfer.md, section on fetching. The order of chunks is that of
/// BitTorrent's piece selection (B. Cohen, Incentives Build Robustness in BitTorrent, 2003, section
/// 2.4): rarest first, and an end game; a lower index goes before a higher one that is as rare.
public struct ObjectFetchInstance: Sendable {
    /// What happens on the streams.
    public enum Event: Hashable, Sendable {
        /// A stream with the provider is being opened.
        case asked(PeerID)
        /// The stream is open.
        case opened(PeerID)
        /// The provider sent a frame.
        case received(TransferFrame, from: PeerID)
        /// The provider sent a chunk, which has been hashed already.
        case receivedChunk(HashedChunk, from: PeerID)
        /// The stream is gone; nothing more comes on it.
        case closed(PeerID)
        /// Time has passed.
        case tick
    }

    /// What the holder of the streams is to do, in order.
    public enum Directive: Hashable, Sendable {
        /// Send this frame.
        case send(TransferFrame, to: PeerID)
        /// Keep the manifest; it is the one of the object.
        case acceptManifest(ObjectManifest)
        /// Keep the chunk; it is the one of that index.
        case acceptChunk(index: Int, bytes: [UInt8], from: PeerID)
        /// Nothing more is to be had from this provider's stream: end it.
        case end(FetchEnd, of: PeerID)
    }

    /// HAVE frames without a chunk between them that are borne; a provider that gains chunks has
    /// no reason for more.
    static let idleHaveCountMax = 16
    /// A provider that owes something and was silent for so long is no longer relied on alone: some
    /// round trips of the slowest links and the time of a chunk at 1 Mbit/s.
    static let lateAfter = Duration.seconds(2)
    /// The least wait for which a second provider is asked for the same chunk; shorter ones are
    /// not worth its bytes.
    static let duplicateWaitMin = Duration.milliseconds(200)
    /// How often a wait is looked at again while a provider is idle.
    static let checkInterval = Duration.milliseconds(250)
    /// What a provider is taken to need for a chunk before it has given one.
    static let intervalAssumed = Duration.milliseconds(500)

    /// The object.
    public let objectID: Digest
    /// The manifest, once there is one.
    public internal(set) var manifest: ObjectManifest?
    /// The chunks that are held here; nil before the manifest is.
    public internal(set) var presence: ChunkPresence?
    /// Why the object cannot be had from anybody, if it cannot.
    public internal(set) var refusal: ObjectManifestError?

    let byteCountMax: Int
    /// In the order in which they were asked.
    var lanes: [ProviderLane] = []
    /// How many providers each outstanding chunk has been asked of.
    var claims: [Int: Int] = [:]

    /// Prepares to fetch an object of which nothing, or a part, is held.
    ///
    /// - Parameters:
    ///   - objectID: The object.
    ///   - byteCountMax: The greatest object that is accepted.
    ///   - manifest: The manifest, if it is held.
    ///   - presence: The chunks that are held; needs a manifest of as many chunks.
    public init(
        objectID: Digest, byteCountMax: Int, manifest: ObjectManifest? = nil,
        presence: ChunkPresence? = nil
    ) {
        precondition(
            manifest == nil || manifest?.objectID == objectID,
            "the manifest of \(manifest?.objectID.hexadecimal ?? "") for object \(objectID)")
        precondition(
            presence == nil || presence?.count == manifest?.chunkCount,
            "a presence of \(presence?.count ?? 0) chunks")
        self.objectID = objectID
        self.byteCountMax = byteCountMax
        self.manifest = manifest
        self.presence = presence ?? manifest.map { ChunkPresence(count: $0.chunkCount) }
    }

    // MARK: What the holder asks

    /// Whether every chunk is held.
    public var isComplete: Bool { presence?.isComplete ?? false }

    /// The providers that are asked or open, in the order in which they were asked.
    public var providers: [PeerID] { lanes.map(\.provider) }

    /// The chunks that were asked of a provider and have not come.
    public func outstandingCount(of provider: PeerID) -> Int {
        lanes.first { $0.provider == provider }?.outstanding.count ?? 0
    }

    /// Whether a provider was asked for something that has not come.
    public func owes(_ provider: PeerID) -> Bool {
        lanes.first { $0.provider == provider }.map { !$0.isIdle } ?? false
    }

    /// The rate of a provider that is open, in bytes per second; nil before its second chunk.
    public func bytesPerSecond(from provider: PeerID) -> Double? {
        guard let interval = lanes.first(where: { $0.provider == provider })?.interval,
            interval > .zero
        else { return nil }
        return Double(TransferProtocol.chunkByteCount) * (.seconds(1) / interval)
    }

    /// Whether one more provider would be of use: nobody is asked, there is more to ask for than
    /// those asked have room for, or all that they owe hangs on one that is late.
    public func wantsProvider(now: Duration) -> Bool {
        guard !isComplete, refusal == nil else { return false }
        guard !lanes.isEmpty else { return true }
        if manifest != nil, freeCount > 0, lanes.allSatisfy(\.isOpen) { return true }
        return lanes.allSatisfy { isLate($0, now: now) }
            || (lanes.contains { isLate($0, now: now) } && !lanes.contains(where: \.isIdle)
                && freeCount == 0)
    }

    /// When `tick` or ``wantsProvider(now:)`` may have something new to say; nil if only a frame
    /// can change it.
    public func nextCheck(now: Duration) -> Duration? {
        guard !isComplete, refusal == nil, !lanes.isEmpty else { return nil }
        if lanes.contains(where: \.isIdle) { return now + Self.checkInterval }
        return lanes.map { $0.lastMoveAt + Self.lateAfter }.filter { $0 > now }.min()
    }

    private func isLate(_ lane: ProviderLane, now: Duration) -> Bool {
        !lane.isIdle && now - lane.lastMoveAt >= Self.lateAfter
    }

    /// The missing chunks that nobody has been asked for.
    var freeCount: Int {
        guard let presence else { return 0 }
        return presence.count - presence.presentCount - claims.count
    }

    // MARK: Events

    /// Takes one event; what concerns a provider that has ended is ignored.
    public mutating func handle(_ event: Event, now: Duration) -> [Directive] {
        switch event {
        case .asked(let provider):
            precondition(place(of: provider) == nil, "\(provider) is asked already")
            lanes.append(ProviderLane(provider: provider, askedAt: now))
            return []
        case .opened(let provider):
            guard let place = place(of: provider) else { return [] }
            precondition(!lanes[place].isOpen, "a stream opens once")
            lanes[place].isOpen = true
            lanes[place].lastMoveAt = now
            return open(place, now: now)
        case .received(.chunk(let index, let bytes), let provider):
            return handle(
                .receivedChunk(HashedChunk(index: index, bytes: bytes), from: provider), now: now)
        case .received(let frame, let provider):
            guard let place = place(of: provider) else { return [] }
            return receive(frame, place, now: now)
        case .receivedChunk(let chunk, let provider):
            guard let place = place(of: provider) else { return [] }
            return receiveChunk(chunk, place, now: now)
        case .closed(let provider):
            guard let place = place(of: provider) else { return [] }
            drop(place)
            return assign(now: now)
        case .tick: return assign(now: now)
        }
    }

    private mutating func open(_ place: Int, now: Duration) -> [Directive] {
        if isComplete { return finish(.complete, place, now: now) }
        guard manifest == nil else { return assign(now: now) }
        let id = lanes[place].takeRequestID()
        lanes[place].manifestRequestID = id
        let request = ObjectRequest(objectID: objectID, wantsManifest: true, ranges: [], id: id)
        return [.send(.request(request), to: lanes[place].provider)]
    }

    // MARK: Lanes

    func place(of provider: PeerID) -> Int? {
        lanes.firstIndex { $0.provider == provider }
    }

    /// Forgets a provider; what it owes is free again.
    mutating func drop(_ place: Int) {
        let lane = lanes.remove(at: place)
        for request in lane.outstanding { release(request.index) }
    }

    /// One provider fewer has been asked for a chunk.
    mutating func release(_ index: Int) {
        guard let count = claims[index] else { return }
        claims[index] = count > 1 ? count - 1 : nil
    }

    mutating func fault(_ fault: ProviderFault, _ place: Int, now: Duration) -> [Directive] {
        finish(.providerFault(fault), place, now: now)
    }

    /// Ends a provider's stream, and asks the others for what it owes.
    mutating func finish(_ end: FetchEnd, _ place: Int, now: Duration) -> [Directive] {
        let provider = lanes[place].provider
        drop(place)
        return [.end(end, of: provider)] + assign(now: now)
    }

    /// Ends every provider's stream.
    mutating func finishAll(_ end: FetchEnd) -> [Directive] {
        defer {
            lanes.removeAll()
            claims.removeAll()
        }
        return lanes.map { .end(end, of: $0.provider) }
    }
}
