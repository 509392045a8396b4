public import Cryptography

/// The provider's half of one transfer stream: answers requests for one object, in their order.
///
/// Moves: new → looking up ⇄ serving → ended. One request is answered before the next is handed
/// in, so what waits here is never more than the chunks of one object.
///
/// Source: docs/protocol/transfer.md, section on serving.
public struct ObjectServeInstance: Sendable {
    /// What happens on the stream, and what the store answered.
    public enum Event: Hashable, Sendable {
        /// The fetcher sent a frame.
        case received(TransferFrame)
        /// The store holds the manifest and these chunks; answers `lookUp`.
        case found(manifest: [UInt8], presence: ChunkPresence)
        /// The store does not hold the manifest, or this peer may not have it; answers `lookUp`.
        case notFound
        /// There is no free upload slot; answers `lookUp`.
        case busy(retryMilliseconds: Int)
        /// What the store gave for `loadChunk`; nil if it has lost the chunk.
        case loaded(index: Int, bytes: [UInt8]?)
    }

    /// What the holder of the stream is to do, in order.
    public enum Directive: Hashable, Sendable {
        /// Ask the store for the manifest and the presence of the object.
        case lookUp(Digest)
        /// Ask the store for one chunk, and hand in `loaded` before going on.
        case loadChunk(Int)
        /// Send this frame.
        case send(TransferFrame)
        /// Close the own side: the object is not served here.
        case close
        /// The fetcher broke the rules: reset the stream.
        case reset(ServeFault)
    }

    /// The object that the stream is about; nil before the first request.
    public private(set) var objectID: Digest?
    /// Whether the stream is done with.
    public private(set) var hasEnded = false

    private var manifest: [UInt8]?
    private var presence: ChunkPresence?
    private var toldPresence: ChunkPresence?
    private var pending: ObjectRequest?

    /// Prepares to serve a stream.
    public init() {}

    /// Takes one event; after the end there are no more directives.
    public mutating func handle(_ event: Event) -> [Directive] {
        guard !hasEnded else { return [] }
        switch event {
        case .received(.request(let request)): return receive(request)
        case .received: return reset(.unexpectedFrame)
        case .found(let manifest, let presence):
            guard let request = pending else { return [] }
            pending = nil
            self.manifest = manifest
            self.presence = presence
            return answer(request)
        case .notFound:
            guard pending != nil else { return [] }
            hasEnded = true
            return [.send(.gone), .close]
        case .busy(let retryMilliseconds):
            guard let request = pending else { return [] }
            pending = nil
            return [.send(.busy(retryMilliseconds: retryMilliseconds, requestID: request.id))]
        case .loaded(let index, let bytes):
            guard let bytes else {
                presence?.remove(index)
                return [.send(.miss([index]))]
            }
            return [.send(.chunk(index: index, bytes: bytes))]
        }
    }

    private mutating func receive(_ request: ObjectRequest) -> [Directive] {
        guard pending == nil else { return reset(.unexpectedFrame) }
        guard objectID == nil || objectID == request.objectID else { return reset(.otherObject) }
        objectID = request.objectID
        // A complete object stays what it is; of a partial one there may be more by now.
        guard presence?.isComplete == true else {
            pending = request
            return [.lookUp(request.objectID)]
        }
        return answer(request)
    }

    private mutating func answer(_ request: ObjectRequest) -> [Directive] {
        guard let manifest, let presence else { return [] }
        var indices: [Int] = []
        for range in request.ranges {
            guard range.upperBound <= presence.count else {
                return reset(.chunkIndex(range.upperBound - 1, count: presence.count))
            }
            indices.append(contentsOf: range)
            guard indices.count <= presence.count else { return reset(.tooManyChunks) }
        }
        var directives: [Directive] = []
        let asksForHave = !request.wantsManifest && indices.isEmpty
        if asksForHave || (!presence.isComplete && presence != toldPresence) {
            toldPresence = presence
            directives.append(.send(.have(presence)))
        }
        if request.wantsManifest { directives.append(.send(.manifest(manifest))) }
        let misses = indices.filter { !presence.contains($0) }
        if !misses.isEmpty { directives.append(.send(.miss(misses))) }
        for index in indices where presence.contains(index) {
            directives.append(.loadChunk(index))
        }
        return directives
    }

    private mutating func reset(_ fault: ServeFault) -> [Directive] {
        hasEnded = true
        return [.reset(fault)]
    }
}

/// How a fetcher broke the rules of the transfer.
public enum ServeFault: Error, Hashable, Sendable {
    /// A frame that has no place here.
    case unexpectedFrame
    /// A request for another object than the first one of the stream.
    case otherObject
    /// A chunk that the object does not have.
    case chunkIndex(Int, count: Int)
    /// More chunks in one request than the object has.
    case tooManyChunks
    /// Request after request on a stream that was told to wait.
    case impatient
    /// Bytes that are no frame.
    case malformedFrame(TransferFrameError)
}
