import Cryptography
import LibP2P
import Logging
import NodeServices
import Testing

@Suite struct ObjectServerTests {
    let clock = ManualClock()
    let store = MemoryObjectStore()
    let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    func server(mayServe: @escaping ObjectServer.AccessRule = { _, _ in true }) -> ObjectServer {
        ObjectServer(store: store, clock: clock.service, logger: logger, mayServe: mayServe)
    }

    func ask(
        _ stream: MemoryStream, _ id: Digest, manifest: Bool = true, _ ranges: [Range<Int>] = [],
        requestID: UInt32 = 1
    ) async throws -> TransferFrame? {
        let request = ObjectRequest(
            objectID: id, wantsManifest: manifest, ranges: ranges, id: requestID)
        try await stream.writeLengthPrefixed(TransferFrame.request(request).bytes)
        return try await answer(stream)
    }

    func answer(_ stream: MemoryStream) async throws -> TransferFrame? {
        let bytes = try await stream.readLengthPrefixed(
            maxByteCount: TransferProtocol.frameByteCountMax)
        return try bytes.map { try TransferFrame(bytes: $0) }
    }

    @Test func `beyond four streams a peer is told to wait, and served once one ends`()
        async throws
    {
        let manifest = try await store.putObject(sampleBytes(count: 1000))
        let server = server()
        let peer = try MemoryNetwork.peer(1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            var streams: [MemoryStream] = []
            for _ in 0..<5 {
                let (near, far) = MemoryStream.pair()
                group.addTask { await server.serve(far, to: peer) }
                streams.append(near)
            }
            for stream in streams.prefix(4) {
                #expect(
                    try await ask(stream, manifest.objectID) == .manifest(manifest.bytes))
            }
            #expect(
                try await ask(streams[4], manifest.objectID, requestID: 7)
                    == .busy(retryMilliseconds: 500, requestID: 7))
            let (other, far) = MemoryStream.pair()
            group.addTask { await server.serve(far, to: try MemoryNetwork.peer(2)) }
            #expect(try await ask(other, manifest.objectID) == .manifest(manifest.bytes))
            #expect(await server.uploadCount == 5)

            await streams[0].closeWrite()
            #expect(try await answer(streams[0]) == nil)
            while await server.uploadCount == 5 { await Task.yield() }
            #expect(
                try await ask(streams[4], manifest.objectID, requestID: 8)
                    == .manifest(manifest.bytes))
            for stream in streams + [other] { await stream.closeWrite() }
            try await group.waitForAll()
        }
        #expect(await server.uploadCount == 0)
    }

    @Test func `a peer that may not have an object cannot tell that it is here`() async throws {
        let manifest = try await store.putObject(sampleBytes(count: 1000))
        let allowed = try MemoryNetwork.peer(1)
        let server = server { peer, id in peer == allowed && id == manifest.objectID }
        for (number, expected) in [
            (UInt8(1), TransferFrame.manifest(manifest.bytes)), (2, .gone),
        ] {
            let (near, far) = MemoryStream.pair()
            async let served: Void = server.serve(far, to: try MemoryNetwork.peer(number))
            #expect(try await ask(near, manifest.objectID) == expected)
            await near.closeWrite()
            try await served
        }
    }

    @Test func `a fetcher that breaks the rules is reset and leaves no slot taken`() async throws {
        let manifest = try await store.putObject(sampleBytes(count: 1000))
        let server = server()
        let peer = try MemoryNetwork.peer(1)
        let other = Hashing.blake2b256([9])
        let wrong: [[UInt8]] = [
            [0xff], TransferFrame.gone.bytes,
            TransferFrame.request(
                ObjectRequest(objectID: other, wantsManifest: true, ranges: [], id: 2)
            ).bytes,
            TransferFrame.request(
                ObjectRequest(
                    objectID: manifest.objectID, wantsManifest: false, ranges: [0..<2], id: 2)
            ).bytes,
            Array(repeating: 0, count: TransferProtocol.frameByteCountMax + 1),
        ]
        for bytes in wrong {
            let (near, far) = MemoryStream.pair()
            async let served: Void = server.serve(far, to: peer)
            #expect(try await ask(near, manifest.objectID) == .manifest(manifest.bytes))
            try await near.writeLengthPrefixed(bytes)
            await #expect(throws: (any Error).self) { try await answer(near) }
            await served
            #expect(await server.uploadCount == 0)
        }
    }

    @Test func `a stream that stands still loses its slot`() async throws {
        let manifest = try await store.putObject(sampleBytes(count: 1000))
        let server = server()
        let (near, far) = MemoryStream.pair()
        async let served: Void = server.serve(far, to: try MemoryNetwork.peer(1))
        #expect(try await ask(near, manifest.objectID) == .manifest(manifest.bytes))
        await clock.waitForSleep(of: .seconds(60))
        clock.advance(by: .seconds(60))
        try await served
        await #expect(throws: (any Error).self) { try await answer(near) }
        #expect(await server.uploadCount == 0)
    }

    @Test func `a peer that will not wait is reset`() async throws {
        let manifest = try await store.putObject(sampleBytes(count: 1000))
        var settings = TransferSettings()
        settings.uploadCountMax = 0
        let server = ObjectServer(
            store: store, settings: settings, clock: clock.service, logger: logger,
            mayServe: { _, _ in true })
        let (near, far) = MemoryStream.pair()
        async let served: Void = server.serve(far, to: try MemoryNetwork.peer(1))
        for number in 1...UInt32(settings.busyAnswerCountMax) {
            #expect(
                try await ask(near, manifest.objectID, requestID: number)
                    == .busy(retryMilliseconds: 500, requestID: number))
        }
        await #expect(throws: (any Error).self) {
            try await ask(near, manifest.objectID, requestID: 99)
        }
        try await served
    }
}
