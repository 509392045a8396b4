import Cryptography
import LibP2P
import Testing

extension ObjectFetchInstance {
    /// The provider of tests that have only one.
    static let provider: PeerID = {
        guard let key = SigningKey(seed: Array(repeating: 7, count: 32)) else {
            preconditionFailure("a seed has 32 bytes")
        }
        return PeerID(publicKey: key.publicKey)
    }()

    /// Asks the provider and opens its stream.
    mutating func open() -> [Directive] {
        handle(.asked(Self.provider), now: .zero) + handle(.opened(Self.provider), now: .zero)
    }

    mutating func receive(_ frame: TransferFrame) -> [Directive] {
        handle(.received(frame, from: Self.provider), now: .zero)
    }

    var outstandingCount: Int { outstandingCount(of: Self.provider) }
}

/// A fetcher and a provider with nothing but frames, encoded and decoded, between them.
struct TransferLink {
    var fetcher: ObjectFetchInstance
    var provider = ObjectServeInstance()
    /// What the provider holds; nil if it does not serve the object.
    var held: [Int: [UInt8]]?
    let manifest: ObjectManifest
    /// Changes or drops a frame on its way to the fetcher.
    var bend: (TransferFrame) -> TransferFrame? = { $0 }

    var accepted: [Int: [UInt8]] = [:]
    var loads: [Int] = []
    var outstandingMax = 0
    var serveFault: ServeFault?
    var framesToFetcher: [TransferFrame] = []
    var end: FetchEnd?

    init(_ object: SampleObject, holding indices: Range<Int>? = nil, fetcher: ObjectFetchInstance)
        throws
    {
        self.fetcher = fetcher
        manifest = object.manifest
        var held: [Int: [UInt8]] = [:]
        for index in indices ?? 0..<object.manifest.chunkCount {
            held[index] = try object.chunk(index)
        }
        self.held = held
    }

    /// Runs until the fetcher has ended or nothing moves, at most `frameCountMax` frames.
    mutating func run(frameCountMax: Int = 10_000) throws -> FetchEnd? {
        var toProvider = take(fetcher.open())
        while framesToFetcher.count < frameCountMax, end == nil, !toProvider.isEmpty {
            var answers: [TransferFrame] = []
            for frame in toProvider {
                let read = try TransferFrame(bytes: frame.bytes)
                try serve(provider.handle(.received(read)), into: &answers)
            }
            toProvider = []
            for answer in answers {
                guard let bent = bend(try TransferFrame(bytes: answer.bytes)) else { continue }
                framesToFetcher.append(bent)
                toProvider += take(fetcher.receive(bent))
            }
        }
        return end
    }

    private mutating func take(_ directives: [ObjectFetchInstance.Directive]) -> [TransferFrame] {
        outstandingMax = max(outstandingMax, fetcher.outstandingCount)
        var frames: [TransferFrame] = []
        for directive in directives {
            switch directive {
            case .send(let frame, _): frames.append(frame)
            case .acceptChunk(let index, let bytes, _): accepted[index] = bytes
            case .end(let end, _): self.end = end
            case .acceptManifest: break
            }
        }
        return frames
    }

    private mutating func serve(
        _ directives: [ObjectServeInstance.Directive], into answers: inout [TransferFrame]
    ) throws {
        for directive in directives {
            switch directive {
            case .send(let frame): answers.append(frame)
            case .lookUp(let id):
                #expect(id == manifest.objectID)
                guard let held else {
                    try serve(provider.handle(.notFound), into: &answers)
                    continue
                }
                var presence = ChunkPresence(count: manifest.chunkCount)
                for index in held.keys { presence.insert(index) }
                try serve(
                    provider.handle(.found(manifest: manifest.bytes, presence: presence)),
                    into: &answers)
            case .loadChunk(let index):
                loads.append(index)
                try serve(
                    provider.handle(.loaded(index: index, bytes: held?[index])), into: &answers)
            case .close: break
            case .reset(let fault): serveFault = fault
            }
        }
    }
}
