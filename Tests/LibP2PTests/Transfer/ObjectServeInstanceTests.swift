import Cryptography
import LibP2P
import Testing

@Suite struct ObjectServeInstanceTests {
    let object: SampleObject
    let complete: ChunkPresence

    init() throws {
        object = try SampleObject(byteCount: 3 * TransferProtocol.chunkByteCount)
        complete = ChunkPresence(count: 3, isComplete: true)
    }

    func request(
        manifest: Bool = false, _ ranges: [Range<Int>] = [], id: UInt32 = 1, of other: Digest? = nil
    ) -> ObjectServeInstance.Event {
        .received(
            .request(
                ObjectRequest(
                    objectID: other ?? object.manifest.objectID, wantsManifest: manifest,
                    ranges: ranges, id: id)))
    }

    func serving(_ presence: ChunkPresence) -> ObjectServeInstance {
        var provider = ObjectServeInstance()
        #expect(provider.handle(request(manifest: true)) == [.lookUp(object.manifest.objectID)])
        let directives = provider.handle(
            .found(manifest: object.manifest.bytes, presence: presence))
        #expect(directives.last == .send(.manifest(object.manifest.bytes)))
        return provider
    }

    @Test func `chunks are loaded in the order in which they are asked for`() {
        var provider = serving(complete)
        #expect(
            provider.handle(request([2..<3, 0..<2], id: 2))
                == [.loadChunk(2), .loadChunk(0), .loadChunk(1)])
        #expect(
            provider.handle(.loaded(index: 2, bytes: [1])) == [.send(.chunk(index: 2, bytes: [1]))])
        #expect(provider.handle(.loaded(index: 0, bytes: nil)) == [.send(.miss([0]))])
    }

    @Test func `a partial provider says what it has before it serves and again when it gains`() {
        var presence = ChunkPresence(count: 3)
        presence.insert(1)
        var provider = serving(presence)
        #expect(
            provider.handle(request([0..<2], id: 2)) == [.lookUp(object.manifest.objectID)])
        #expect(
            provider.handle(.found(manifest: object.manifest.bytes, presence: presence))
                == [.send(.miss([0])), .loadChunk(1)])
        _ = provider.handle(request([0..<1], id: 3))
        presence.insert(0)
        #expect(
            provider.handle(.found(manifest: object.manifest.bytes, presence: presence))
                == [.send(.have(presence)), .loadChunk(0)])
    }

    @Test func `a request for nothing is answered with what is held`() {
        var provider = serving(complete)
        #expect(provider.handle(request(id: 2)) == [.send(.have(complete))])
    }

    @Test func `an unknown object is gone and the stream ends`() {
        var provider = ObjectServeInstance()
        _ = provider.handle(request(manifest: true))
        #expect(provider.handle(.notFound) == [.send(.gone), .close])
        #expect(provider.handle(request(manifest: true)) == [])
    }

    @Test func `a busy provider drops the request and takes the next`() {
        var provider = ObjectServeInstance()
        _ = provider.handle(request(manifest: true, id: 5))
        #expect(
            provider.handle(.busy(retryMilliseconds: 100))
                == [.send(.busy(retryMilliseconds: 100, requestID: 5))])
        #expect(provider.handle(request(id: 6)) == [.lookUp(object.manifest.objectID)])
    }

    @Test func `every way to break the rules has its name`() {
        let cases: [(ObjectServeInstance.Event, ServeFault)] = [
            (.received(.gone), .unexpectedFrame),
            (.received(.chunk(index: 0, bytes: [1])), .unexpectedFrame),
            (request([0..<1], of: Hashing.blake2b256([])), .otherObject),
            (request([2..<4]), .chunkIndex(3, count: 3)),
            (request([0..<3, 1..<2]), .tooManyChunks),
        ]
        for (event, fault) in cases {
            var provider = serving(complete)
            #expect(provider.handle(event) == [.reset(fault)])
            #expect(provider.hasEnded)
        }
    }

    @Test func `a second request before the first is answered is refused`() {
        var provider = ObjectServeInstance()
        _ = provider.handle(request())
        #expect(provider.handle(request(id: 2)) == [.reset(.unexpectedFrame)])
    }
}
