import Cryptography
import Testing

@testable import LibP2P

/// Several providers and one fetcher in made-up time: each provider sends one chunk after another at
/// its own pace, over a link with its own delay.
struct FetchWorld {
    /// How a provider behaves.
    enum Manner: Hashable {
        case honest
        /// Says nothing any more after so many chunks.
        case stalls(after: Int)
        /// Changes a bit of the chunk after so many.
        case lies(after: Int)
        /// Its stream breaks after so many chunks.
        case dies(after: Int)
    }

    struct Provider {
        let peer: PeerID
        var held: Set<Int>
        var pace: Duration
        var delay = Duration.milliseconds(5)
        var manner = Manner.honest

        var sentCount = 0
        /// Chunks asked for, over all of the provider's streams.
        var askedCount = 0
        var server = ObjectServeInstance()
        var freeAt = Duration.zero
        var stream = 0
        var askedAgainAt: Duration? = .zero
        var heardAt = Duration.zero
    }

    private enum Happening {
        case fetcher(ObjectFetchInstance.Event, stream: Int?)
        case request(TransferFrame, to: Int, stream: Int)
        case look
    }

    let object: SampleObject
    var providers: [Provider]
    var fetcher: ObjectFetchInstance
    private(set) var now = Duration.zero
    private(set) var accepted: [Int: [UInt8]] = [:]
    private(set) var givers: [Int: PeerID] = [:]
    private(set) var ends: [PeerID: [FetchEnd]] = [:]
    private(set) var activeMax = 0
    private var queue: [(at: Duration, order: Int, what: Happening)] = []
    private var order = 0

    static func peer(_ number: UInt8) -> PeerID {
        guard let key = SigningKey(seed: Array(repeating: number, count: 32)) else {
            preconditionFailure("a seed has 32 bytes")
        }
        return PeerID(publicKey: key.publicKey)
    }

    init(_ object: SampleObject, _ providers: [Provider], holding presence: ChunkPresence? = nil) {
        self.object = object
        self.providers = providers
        fetcher = ObjectFetchInstance(
            objectID: object.manifest.objectID, byteCountMax: 1 << 30,
            manifest: presence == nil ? nil : object.manifest, presence: presence)
    }

    /// Lets things happen until the object is complete, or for so long.
    mutating func run(until limit: Duration) throws {
        askMore()
        while !fetcher.isComplete, let next = queue.indices.min(by: { earlier($0, $1) }) {
            let (at, _, what) = queue.remove(at: next)
            guard at <= limit else { return }
            now = at
            switch what {
            case .fetcher(let event, let stream): try take(event, stream)
            case .request(let frame, let place, let stream):
                try answer(frame, place, stream)
            case .look:
                try leaveSilent()
                perform(fetcher.handle(.tick, now: now))
            }
            askMore()
            checkClaims()
        }
    }

    /// What is claimed is what is owed and still missing, no more and no less.
    private func checkClaims() {
        var counts: [Int: Int] = [:]
        for lane in fetcher.lanes {
            for request in lane.outstanding
            where fetcher.presence?.contains(request.index) == false {
                counts[request.index, default: 0] += 1
            }
        }
        #expect(fetcher.claims == counts)
    }

    private func earlier(_ a: Int, _ b: Int) -> Bool {
        (queue[a].at, queue[a].order) < (queue[b].at, queue[b].order)
    }

    private mutating func schedule(_ delay: Duration, _ what: Happening) {
        order += 1
        queue.append((now + delay, order, what))
    }

    /// Asks at most four providers at a time, and one that came to an end again after a second.
    private mutating func askMore() {
        for place in providers.indices {
            guard fetcher.providers.count < 4, fetcher.wantsProvider(now: now) else { break }
            let peer = providers[place].peer
            guard let due = providers[place].askedAgainAt, due <= now,
                !fetcher.providers.contains(peer)
            else { continue }
            providers[place].stream += 1
            providers[place].server = ObjectServeInstance()
            providers[place].heardAt = now
            perform(fetcher.handle(.asked(peer), now: now))
            schedule(
                providers[place].delay * 2,
                .fetcher(.opened(peer), stream: providers[place].stream))
        }
        activeMax = max(activeMax, fetcher.providers.count)
        let check = min(fetcher.nextCheck(now: now) ?? .seconds(1_000_000), now + .seconds(1))
        let isLooking = queue.contains { if case .look = $0.what { $0.at <= check } else { false } }
        if !isLooking { schedule(max(.milliseconds(1), check - now), .look) }
    }

    /// Closes the streams of providers that owe something and were silent for 30 s.
    private mutating func leaveSilent() throws {
        for provider in providers
        where fetcher.owes(provider.peer) && now - provider.heardAt >= .seconds(30) {
            try take(.closed(provider.peer), provider.stream)
        }
    }

    private mutating func take(_ event: ObjectFetchInstance.Event, _ stream: Int?) throws {
        let peer: PeerID
        switch event {
        case .opened(let provider), .closed(let provider): peer = provider
        case .received(_, let provider), .receivedChunk(_, let provider): peer = provider
        case .asked, .tick: return
        }
        let place = try #require(providers.firstIndex { $0.peer == peer })
        // What was on its way on a stream that has ended is lost.
        guard stream == providers[place].stream, fetcher.providers.contains(peer) else { return }
        providers[place].heardAt = now
        perform(fetcher.handle(event, now: now))
        if case .closed = event { providers[place].askedAgainAt = now + .seconds(1) }
    }

    private mutating func perform(_ directives: [ObjectFetchInstance.Directive]) {
        for directive in directives {
            switch directive {
            case .send(let frame, let peer):
                guard let place = providers.firstIndex(where: { $0.peer == peer }) else { continue }
                if case .request(let request) = frame {
                    providers[place].askedCount += request.ranges.reduce(0) { $0 + $1.count }
                }
                schedule(
                    providers[place].delay,
                    .request(frame, to: place, stream: providers[place].stream))
            case .acceptManifest: break
            case .acceptChunk(let index, let bytes, let peer):
                #expect(accepted[index] == nil, "chunk \(index) was let in twice")
                accepted[index] = bytes
                givers[index] = peer
            case .end(let end, let peer):
                ends[peer, default: []].append(end)
                guard let place = providers.firstIndex(where: { $0.peer == peer }) else { continue }
                if case .providerFault = end {
                    providers[place].askedAgainAt = nil
                } else {
                    providers[place].askedAgainAt = now + .seconds(1)
                }
            }
        }
    }

    private mutating func answer(_ frame: TransferFrame, _ place: Int, _ stream: Int) throws {
        guard stream == providers[place].stream else { return }
        try serve(providers[place].server.handle(.received(frame)), place, stream)
    }

    private mutating func serve(
        _ directives: [ObjectServeInstance.Directive], _ place: Int, _ stream: Int
    ) throws {
        for directive in directives {
            switch directive {
            case .send(let frame): send(frame, place, stream)
            case .lookUp:
                var presence = ChunkPresence(count: object.manifest.chunkCount)
                for index in providers[place].held { presence.insert(index) }
                let found = ObjectServeInstance.Event.found(
                    manifest: object.manifest.bytes, presence: presence)
                try serve(providers[place].server.handle(found), place, stream)
            case .loadChunk(let index):
                let loaded = ObjectServeInstance.Event.loaded(
                    index: index, bytes: try object.chunk(index))
                try serve(providers[place].server.handle(loaded), place, stream)
            case .close: break
            case .reset(let fault): Issue.record("the fetcher broke the rules: \(fault)")
            }
        }
    }

    private mutating func send(_ frame: TransferFrame, _ place: Int, _ stream: Int) {
        let provider = providers[place]
        var frame = frame
        var isChunk = false
        if case .chunk(let index, var bytes) = frame {
            isChunk = true
            switch provider.manner {
            case .stalls(let count) where provider.sentCount >= count: return
            case .dies(let count) where provider.sentCount >= count:
                return schedule(
                    provider.delay, .fetcher(.closed(provider.peer), stream: stream))
            case .lies(let count) where provider.sentCount >= count:
                bytes[bytes.count / 2] ^= 1
                frame = .chunk(index: index, bytes: bytes)
            default: break
            }
            providers[place].sentCount += 1
        }
        let start = max(provider.freeAt, now)
        providers[place].freeAt = start + (isChunk ? provider.pace : .zero)
        schedule(
            providers[place].freeAt + provider.delay - now,
            .fetcher(.received(frame, from: provider.peer), stream: stream))
    }
}
