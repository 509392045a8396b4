/// One provider within a fetch: what it holds, what it was asked for, and how fast it answers.
///
/// Moves: opening → open (`opened`); the fetch drops it when it ends.
struct ProviderLane: Sendable {
    /// A chunk that was asked for and has not come.
    struct Request: Sendable {
        let index: Int
        let id: UInt32
    }

    let provider: PeerID
    var isOpen = false
    /// The chunks that the latest HAVE shows; nil if the provider holds every one.
    var presence: ChunkPresence?
    /// What it said it does not hold, since the latest HAVE.
    var missed: Set<Int> = []
    /// In the order in which they were asked for, at most
    /// ``TransferProtocol/outstandingChunkCountMax``.
    var outstanding: [Request] = []
    var manifestRequestID: UInt32?
    /// HAVE frames since the last chunk.
    var idleHaveCount = 0
    /// When it was asked while it owed nothing, or when it last gave what it owed.
    var lastMoveAt: Duration
    /// The smoothed time from one chunk to the next while some are owed; nil before the first.
    private(set) var interval: Duration?
    private var nextRequestID: UInt32 = 1

    init(provider: PeerID, askedAt now: Duration) {
        self.provider = provider
        lastMoveAt = now
    }

    /// The chunks that may be outstanding: about a second's worth of what the provider has shown,
    /// so that a slow one does not hold many and a fast one never waits.
    var window: Int {
        guard let interval else { return TransferProtocol.outstandingChunkCountFirst }
        let perSecond = interval > .zero ? Duration.seconds(1) / interval : .infinity
        let most = TransferProtocol.outstandingChunkCountMax
        return perSecond >= Double(most) ? most : max(2, Int(perSecond))
    }

    /// Whether it is open and has been asked for nothing that it still owes.
    var isIdle: Bool { isOpen && outstanding.isEmpty && manifestRequestID == nil }

    func mayHold(_ index: Int) -> Bool {
        !missed.contains(index) && presence?.contains(index) != false
    }

    /// Takes an index out of what is outstanding; false if it was not asked for.
    mutating func settle(_ index: Int) -> Bool {
        guard let place = outstanding.firstIndex(where: { $0.index == index }) else { return false }
        outstanding.remove(at: place)
        return true
    }

    mutating func noteChunk(now: Duration) {
        let sample = now - lastMoveAt
        interval = interval.map { ($0 * 7 + sample) / 8 } ?? sample
        lastMoveAt = now
        idleHaveCount = 0
    }

    mutating func takeRequestID() -> UInt32 {
        defer { nextRequestID &+= 1 }
        return nextRequestID
    }

    /// How long the chunk at a place of `outstanding` will probably take: the pace so far, or the
    /// silence if that is longer.
    func expectedWait(place: Int, now: Duration) -> Duration {
        let silence = now - lastMoveAt
        guard let interval, silence <= interval else { return silence * (place + 1) }
        return interval * (place + 1) - silence
    }
}
