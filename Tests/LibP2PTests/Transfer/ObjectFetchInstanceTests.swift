import Cryptography
import LibP2P
import Testing

@Suite struct ObjectFetchInstanceTests {
    static let chunk = TransferProtocol.chunkByteCount
    static let provider = ObjectFetchInstance.provider
    let object: SampleObject

    init() throws {
        object = try SampleObject(byteCount: 2 * Self.chunk + 100)
    }

    func fetcher(_ object: SampleObject, byteCountMax: Int = 1 << 30) -> ObjectFetchInstance {
        ObjectFetchInstance(objectID: object.manifest.objectID, byteCountMax: byteCountMax)
    }

    /// A fetcher that has the manifest and has asked for every chunk.
    func asking() -> ObjectFetchInstance {
        var fetcher = fetcher(object)
        _ = fetcher.open()
        let directives = fetcher.receive(.manifest(object.manifest.bytes))
        #expect(directives.first == .acceptManifest(object.manifest))
        #expect(fetcher.outstandingCount == 3)
        return fetcher
    }

    @Test func `an object arrives whole, in order, with a bounded number asked for`() throws {
        let object = try SampleObject(byteCount: 30 * Self.chunk + 1)
        var link = try TransferLink(object, fetcher: fetcher(object))
        #expect(try link.run() == .complete)
        #expect((0..<31).flatMap { link.accepted[$0] ?? [] } == object.contents)
        #expect(link.outstandingMax == TransferProtocol.outstandingChunkCountMax)
        #expect(link.loads == Array(0..<31))
        #expect(link.serveFault == nil)
    }

    @Test func `with a manifest and a part, only what is missing is asked for`() throws {
        let object = try SampleObject(byteCount: 20 * Self.chunk)
        var presence = ChunkPresence(count: 20)
        for index in 0..<20 where index % 3 != 1 { presence.insert(index) }
        let resumed = ObjectFetchInstance(
            objectID: object.manifest.objectID, byteCountMax: object.contents.count,
            manifest: object.manifest, presence: presence)
        var link = try TransferLink(object, fetcher: resumed)
        #expect(try link.run() == .complete)
        #expect(link.loads == (0..<20).filter { $0 % 3 == 1 })
        #expect(
            !link.framesToFetcher.contains { if case .manifest = $0 { true } else { false } })
    }

    @Test func `a complete object ends before anything is asked`() {
        var fetcher = ObjectFetchInstance(
            objectID: object.manifest.objectID, byteCountMax: 1 << 30, manifest: object.manifest,
            presence: ChunkPresence(count: 3, isComplete: true))
        #expect(fetcher.open() == [.end(.complete, of: Self.provider)])
    }

    @Test func `only what HAVE shows is asked for, and the rest is left to others`() throws {
        let object = try SampleObject(byteCount: 12 * Self.chunk)
        var first = try TransferLink(object, holding: 4..<9, fetcher: fetcher(object))
        #expect(try first.run() == .exhausted(missingCount: 7))
        #expect(first.loads == Array(4..<9))
        #expect(
            !first.framesToFetcher.contains { if case .miss = $0 { true } else { false } })
        var second = try TransferLink(
            object,
            fetcher: ObjectFetchInstance(
                objectID: object.manifest.objectID, byteCountMax: 1 << 30,
                manifest: first.fetcher.manifest, presence: first.fetcher.presence))
        #expect(try second.run() == .complete)
        #expect(second.loads == Array(0..<4) + Array(9..<12))
    }

    @Test func `a new HAVE brings chunks back that were missed`() throws {
        var fetcher = asking()
        #expect(fetcher.receive(.miss([1])) == [])
        #expect(
            fetcher.receive(.have(ChunkPresence(count: 3, isComplete: true))).count == 1)
        #expect(fetcher.outstandingCount == 3)
        for index in 0..<3 {
            _ = fetcher.receive(.chunk(index: index, bytes: try object.chunk(index)))
        }
        #expect(fetcher.isComplete && fetcher.providers == [])
    }

    @Test func `a wrong chunk is the provider's fault and is not let in`() throws {
        var link = try TransferLink(object, fetcher: fetcher(object))
        link.bend = { frame in
            guard case .chunk(1, var bytes) = frame else { return frame }
            bytes[7] ^= 1
            return .chunk(index: 1, bytes: bytes)
        }
        #expect(try link.run() == .providerFault(.wrongChunk(1)))
        #expect(link.accepted.keys.sorted() == [0])
        #expect(link.fetcher.presence?.missing == [1, 2])
    }

    @Test func `every way to break the rules has its name`() throws {
        let have = ChunkPresence(count: 4)
        let cases: [(TransferFrame, ProviderFault)] = [
            (.chunk(index: 3, bytes: [1]), .unaskedChunk(3)),
            (.chunk(index: 0, bytes: try object.chunk(2)), .wrongChunk(0)),
            (.miss([9]), .unaskedChunk(9)),
            (.miss([1, 1]), .unaskedChunk(1)),
            (.have(have), .wrongBitmap),
            (.manifest(object.manifest.bytes), .unexpectedFrame),
            (.busy(retryMilliseconds: 1, requestID: 77), .unexpectedFrame),
            (
                .request(
                    ObjectRequest(
                        objectID: object.manifest.objectID, wantsManifest: true, ranges: [], id: 1)),
                .unexpectedFrame
            ),
        ]
        for (frame, fault) in cases {
            var fetcher = asking()
            #expect(fetcher.receive(frame) == [.end(.providerFault(fault), of: Self.provider)])
            #expect(fetcher.receive(.gone) == [])
        }
    }

    @Test func `a chunk that comes twice was asked for once`() throws {
        var fetcher = asking()
        let frame = TransferFrame.chunk(index: 0, bytes: try object.chunk(0))
        #expect(fetcher.receive(frame).count == 1)
        #expect(
            fetcher.receive(frame) == [.end(.providerFault(.unaskedChunk(0)), of: Self.provider)])
    }

    @Test func `a manifest with another hash is the provider's fault`() throws {
        let other = try SampleObject(byteCount: 5, seed: 9)
        var fetcher = fetcher(object)
        _ = fetcher.open()
        #expect(
            fetcher.receive(.manifest(other.manifest.bytes))
                == [.end(.providerFault(.wrongManifest), of: Self.provider)])
    }

    @Test func `an object above the limit is refused at its manifest`() throws {
        var link = try TransferLink(object, fetcher: fetcher(object, byteCountMax: 1000))
        #expect(
            try link.run()
                == .objectRefused(
                    .objectTooLarge(byteCount: UInt64(2 * Self.chunk + 100), max: 1000))
        )
        #expect(link.loads == [])
    }

    @Test func `a name of bytes that are no manifest is refused, whoever serves it`() {
        let bytes: [UInt8] = [0x08, 0x01]
        var fetcher = ObjectFetchInstance(
            objectID: Hashing.blake2b256(bytes), byteCountMax: 1 << 30)
        _ = fetcher.open()
        #expect(
            fetcher.receive(.manifest(bytes)) == [
                .end(.objectRefused(.malformed), of: Self.provider)
            ])
    }

    @Test func `busy and gone end the use of the provider`() throws {
        var first = fetcher(object)
        _ = first.open()
        #expect(
            first.receive(.busy(retryMilliseconds: 250, requestID: 1))
                == [.end(.busy(retryMilliseconds: 250), of: Self.provider)])
        var second = asking()
        #expect(
            second.receive(.busy(retryMilliseconds: 9, requestID: 2))
                == [.end(.busy(retryMilliseconds: 9), of: Self.provider)])
        var link = try TransferLink(object, fetcher: fetcher(object))
        link.held = nil
        #expect(try link.run() == .gone)
    }

    @Test func `a provider cannot keep a fetcher with bitmaps alone`() {
        var fetcher = asking()
        let have = ChunkPresence(count: 3)
        for _ in 0..<16 { #expect(fetcher.receive(.have(have)) == []) }
        #expect(
            fetcher.receive(.have(have)) == [.end(.providerFault(.tooManyHaves), of: Self.provider)]
        )
    }
}
