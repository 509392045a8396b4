public import Cryptography

/// The fetcher's half of one transfer stream: asks one provider for the chunks of one object that
/// are missing, and lets nothing in that does not hash to its id.
///
/// Moves: new → running (`opened`) → ended. What was accepted stays in ``manifest`` and
/// ``presence``; a fetch goes on with another provider by a new instance that is given both.
///
/// Source: docs/protocol/transfer.md, section on fetching.
public struct ObjectFetchInstance: Sendable {
    /// What happens on the stream.
    public enum Event: Hashable, Sendable {
        /// The stream is open.
        case opened
        /// The provider sent a frame.
        case received(TransferFrame)
    }

    /// What the holder of the stream is to do, in order.
    public enum Directive: Hashable, Sendable {
        /// Send this frame.
        case send(TransferFrame)
        /// Keep the manifest; it is the one of the object.
        case acceptManifest(ObjectManifest)
        /// Keep the chunk; it is the one of that index.
        case acceptChunk(index: Int, bytes: [UInt8])
        /// Nothing more is to be had from this stream: end it.
        case end(FetchEnd)
    }

    /// HAVE frames without a chunk between them that are borne; a provider that gains chunks has
    /// no reason for more.
    static let idleHaveCountMax = 16

    /// The object.
    public let objectID: Digest
    /// The manifest, once there is one.
    public private(set) var manifest: ObjectManifest?
    /// The chunks that are held here; nil before the manifest is.
    public private(set) var presence: ChunkPresence?
    /// Why the instance has ended; nil while it has not.
    public private(set) var end: FetchEnd?

    private let byteCountMax: Int
    private var isOpen = false
    private var providerPresence: ChunkPresence?
    private var missed: Set<Int> = []
    private var outstanding: [Int: UInt32] = [:]
    private var manifestRequestID: UInt32?
    private var nextRequestID: UInt32 = 1
    private var nextIndex = 0
    private var idleHaveCount = 0

    /// Prepares to fetch an object of which nothing, or a part, is held.
    ///
    /// - Parameters:
    ///   - objectID: The object.
    ///   - byteCountMax: The greatest object that is accepted.
    ///   - manifest: The manifest, if an earlier provider gave it.
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

    /// The chunks that were asked for and have not come.
    public var outstandingCount: Int { outstanding.count }

    /// Takes one event; after the end there are no more directives.
    public mutating func handle(_ event: Event) -> [Directive] {
        guard end == nil else { return [] }
        switch event {
        case .opened:
            precondition(!isOpen, "a stream opens once")
            isOpen = true
            guard manifest == nil else { return askOrEnd() }
            manifestRequestID = takeRequestID()
            return [.send(request(manifest: true, indices: [], id: manifestRequestID ?? 0))]
        case .received(let frame):
            guard isOpen else { return fault(.unexpectedFrame) }
            return receive(frame)
        }
    }

    private mutating func receive(_ frame: TransferFrame) -> [Directive] {
        switch frame {
        case .request: return fault(.unexpectedFrame)
        case .manifest(let bytes): return receiveManifest(bytes)
        case .have(let presence): return receiveHave(presence)
        case .chunk(let index, let bytes): return receiveChunk(index, bytes)
        case .busy(let retryMilliseconds, let requestID):
            guard requestID == manifestRequestID || outstanding.values.contains(requestID) else {
                return fault(.unexpectedFrame)
            }
            return finish(.busy(retryMilliseconds: retryMilliseconds))
        case .gone: return finish(.gone)
        case .miss(let indices):
            for index in indices {
                guard outstanding.removeValue(forKey: index) != nil else {
                    return fault(.unaskedChunk(index))
                }
                missed.insert(index)
            }
            return askOrEnd()
        }
    }

    private mutating func receiveManifest(_ bytes: [UInt8]) -> [Directive] {
        guard manifestRequestID != nil else { return fault(.unexpectedFrame) }
        guard Hashing.blake2b256(bytes) == objectID else { return fault(.wrongManifest) }
        manifestRequestID = nil
        let received: ObjectManifest
        do {
            received = try ObjectManifest(bytes: bytes, byteCountMax: byteCountMax)
        } catch {
            return finish(.objectRefused(error))
        }
        if let providerPresence, providerPresence.count != received.chunkCount {
            return fault(.wrongBitmap)
        }
        manifest = received
        presence = ChunkPresence(count: received.chunkCount)
        return [.acceptManifest(received)] + askOrEnd()
    }

    private mutating func receiveHave(_ held: ChunkPresence) -> [Directive] {
        idleHaveCount += 1
        guard idleHaveCount <= Self.idleHaveCountMax else { return fault(.tooManyHaves) }
        if let manifest, manifest.chunkCount != held.count { return fault(.wrongBitmap) }
        providerPresence = held
        missed.removeAll()
        nextIndex = 0
        return manifest == nil ? [] : askOrEnd()
    }

    private mutating func receiveChunk(_ index: Int, _ bytes: [UInt8]) -> [Directive] {
        guard let manifest, outstanding.removeValue(forKey: index) != nil else {
            return fault(.unaskedChunk(index))
        }
        guard manifest.isChunk(bytes, at: index) else { return fault(.wrongChunk(index)) }
        presence?.insert(index)
        idleHaveCount = 0
        return [.acceptChunk(index: index, bytes: bytes)] + askOrEnd()
    }

    /// Asks for more once half of the window is free, and ends when nothing is left to come.
    private mutating func askOrEnd() -> [Directive] {
        guard let presence else { return [] }
        guard !presence.isComplete else { return finish(.complete) }
        let window = TransferProtocol.outstandingChunkCountMax
        guard outstanding.count <= window / 2 else { return [] }
        let wanted = takeIndices(upTo: window - outstanding.count)
        guard !wanted.isEmpty else {
            guard outstanding.isEmpty else { return [] }
            return finish(.exhausted(missingCount: presence.count - presence.presentCount))
        }
        let id = takeRequestID()
        for index in wanted { outstanding[index] = id }
        return [.send(request(manifest: false, indices: wanted, id: id))]
    }

    /// The next missing chunks that the provider may hold.
    ///
    /// A chunk is passed once: it then is held, outstanding or missed, until a new HAVE turns the
    /// search back.
    private mutating func takeIndices(upTo count: Int) -> [Int] {
        guard let presence else { return [] }
        var indices: [Int] = []
        while indices.count < count, nextIndex < presence.count {
            let index = nextIndex
            nextIndex += 1
            if presence.contains(index) || missed.contains(index) { continue }
            if outstanding[index] != nil { continue }
            if let providerPresence, !providerPresence.contains(index) { continue }
            indices.append(index)
        }
        return indices
    }

    private func request(manifest: Bool, indices: [Int], id: UInt32) -> TransferFrame {
        var ranges: [Range<Int>] = []
        for index in indices {
            if let last = ranges.last, last.upperBound == index {
                ranges[ranges.count - 1] = last.lowerBound..<index + 1
            } else {
                ranges.append(index..<index + 1)
            }
        }
        return .request(
            ObjectRequest(objectID: objectID, wantsManifest: manifest, ranges: ranges, id: id))
    }

    private mutating func takeRequestID() -> UInt32 {
        defer { nextRequestID &+= 1 }
        return nextRequestID
    }

    private mutating func fault(_ fault: ProviderFault) -> [Directive] {
        finish(.providerFault(fault))
    }

    private mutating func finish(_ end: FetchEnd) -> [Directive] {
        self.end = end
        outstanding.removeAll()
        return [.end(end)]
    }
}
