import Cryptography
import LibP2P
import Logging
import NodeServices
import Synchronization
import Testing
import Transports

@Suite struct ObjectFetcherTests {
    static let chunk = TransferProtocol.chunkByteCount
    let network = MemoryNetwork()
    let clock = ManualClock()
    let store = MemoryObjectStore()
    let source = MemoryObjectStore()
    let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    func fetcher(_ settings: TransferSettings = TransferSettings()) -> ObjectFetcher {
        ObjectFetcher(
            store: store, streams: network, settings: settings, clock: clock.service,
            logger: logger)
    }

    /// A provider that serves `source`, seen through `bend`.
    func add(
        _ peer: PeerID, bend: @escaping @Sendable (TransferFrame) -> TransferFrame? = { $0 }
    ) throws {
        let server = ObjectServer(
            store: source, clock: clock.service, logger: logger, mayServe: { _, _ in true })
        let fetcher = try MemoryNetwork.peer(200)
        network.add(peer) { stream in
            await server.serve(BentStream(base: stream, bend: bend), to: fetcher)
        }
    }

    @Test func `an object arrives and reads back`() async throws {
        let contents = sampleBytes(count: 5 * Self.chunk + 17)
        let id = try await source.putObject(contents).objectID
        let peer = try MemoryNetwork.peer(1)
        try add(peer)
        let steps = Mutex<[FetchProgress]>([])
        let report = try await fetcher().fetch(
            id, byteCountMax: contents.count, from: [peer],
            progress: { step in steps.withLock { $0.append(step) } })
        #expect(report.receivedByteCount == contents.count)
        #expect(report.providers == [peer])
        #expect(steps.withLock { $0.map(\.heldByteCount).max() } == contents.count)
        #expect(steps.withLock { $0.count } == 6)
        #expect(try await store.contents(of: id, byteCountMax: contents.count) == contents)
        let again = try await fetcher().fetch(id, byteCountMax: contents.count, from: [])
        #expect(again.receivedByteCount == 0 && again.bytesPerSecond == nil)
    }

    @Test func `after a lost connection only what is missing is fetched`() async throws {
        let contents = sampleBytes(count: 30 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let peer = try MemoryNetwork.peer(1)
        let chunksLeft = Mutex(11)
        try add(peer) { frame in
            guard case .chunk = frame else { return frame }
            return chunksLeft.withLock { left in
                left -= 1
                return left < 0 && left > -3 ? nil : frame
            }
        }
        var settings = TransferSettings()
        // No other wait of a fetch is as long.
        settings.retryWait = .milliseconds(700)
        let fetcher = fetcher(settings)
        async let report = fetcher.fetch(id, byteCountMax: contents.count, from: [peer])
        for wait in [Duration.milliseconds(700), .milliseconds(1_400)] {
            await clock.waitForSleep(of: wait)
            clock.advance(by: wait)
        }
        #expect(try await report.receivedByteCount == contents.count)
        #expect(await store.putCounts.values.allSatisfy { $0 == 1 })
        #expect(network.opened == [peer, peer, peer])
        #expect(try await store.contents(of: id, byteCountMax: contents.count) == contents)
    }

    @Test func `a fetch that was given up goes on later where it stopped`() async throws {
        let contents = sampleBytes(count: 12 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let (first, second) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(2))
        let served = Mutex(0)
        try add(first) { frame in
            guard case .chunk = frame else { return frame }
            return served.withLock { count in
                count += 1
                return count <= 5 ? frame : nil
            }
        }
        var settings = TransferSettings()
        settings.fruitlessAttemptCountMax = 1
        let fetcher = fetcher(settings)
        await #expect(throws: TransferError.self) {
            try await fetcher.fetch(id, byteCountMax: contents.count, from: [first])
        }
        let held = await store.presence(id)?.presentCount ?? 0
        #expect((1...5).contains(held))
        try add(second)
        let report = try await fetcher.fetch(id, byteCountMax: contents.count, from: [second])
        #expect(report.receivedByteCount == (12 - held) * Self.chunk)
        #expect(await store.putCounts.values.allSatisfy { $0 == 1 })
    }

    @Test func `a provider that lies is found out and the next one is asked`() async throws {
        let contents = sampleBytes(count: 6 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let (liar, honest) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(2))
        try add(liar) { frame in
            guard case .chunk(3, var bytes) = frame else { return frame }
            bytes[100] ^= 0x40
            return .chunk(index: 3, bytes: bytes)
        }
        try add(honest)
        let fetcher = fetcher()
        let report = try await fetcher.fetch(
            id, byteCountMax: contents.count, from: [liar, honest])
        #expect(report.providers == [liar, honest])
        #expect(network.opened == [liar, honest])
        #expect(try await store.contents(of: id, byteCountMax: contents.count) == contents)

        let other = MemoryObjectStore()
        await #expect(throws: TransferError.self) {
            try await ObjectFetcher(
                store: other, streams: network, clock: clock.service, logger: logger
            ).fetch(id, byteCountMax: contents.count, from: [liar])
        }
        #expect(await other.presence(id)?.missing == [3, 4, 5])
    }

    @Test func `two providers with a half each give the whole`() async throws {
        let contents = sampleBytes(count: 12 * Self.chunk)
        let whole = MemoryObjectStore()
        let manifest = try await whole.putObject(contents)
        let id = manifest.objectID
        let asker = try MemoryNetwork.peer(200)
        var peers: [PeerID] = []
        for half in 0..<2 {
            let part = MemoryObjectStore()
            await part.putManifest(manifest)
            for index in half * 6..<half * 6 + 6 {
                let bytes = try #require(await whole.chunk(id, index: index))
                try await part.putChunk(id, index: index, bytes: bytes)
            }
            let server = ObjectServer(
                store: part, clock: clock.service, logger: logger, mayServe: { _, _ in true })
            let peer = try MemoryNetwork.peer(UInt8(half + 1))
            network.add(peer) { stream in await server.serve(stream, to: asker) }
            peers.append(peer)
        }
        let report = try await fetcher().fetch(id, byteCountMax: contents.count, from: peers)
        #expect(report.providers == peers)
        #expect(report.receivedByteCount == contents.count)
        #expect(network.opened == peers)
        #expect(await store.putCounts.values.allSatisfy { $0 == 1 })
        #expect(try await store.contents(of: id, byteCountMax: contents.count) == contents)
    }

    @Test func `no more providers are asked at once than the settings say`() async throws {
        let contents = sampleBytes(count: 40 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let peers = try (1...6).map { try MemoryNetwork.peer($0) }
        let counts = Mutex((open: 0, max: 0))
        let server = ObjectServer(
            store: source, clock: clock.service, logger: logger, mayServe: { _, _ in true })
        let asker = try MemoryNetwork.peer(200)
        for peer in peers {
            network.add(peer) { stream in
                counts.withLock { counts in
                    counts.open += 1
                    counts.max = max(counts.max, counts.open)
                }
                await server.serve(stream, to: asker)
                counts.withLock { $0.open -= 1 }
            }
        }
        var settings = TransferSettings()
        settings.parallelProviderCountMax = 3
        let report = try await fetcher(settings).fetch(
            id, byteCountMax: contents.count, from: peers)
        #expect(report.receivedByteCount == contents.count)
        #expect((1...3).contains(counts.withLock { $0.max }))
        #expect(network.opened.count <= 3)
    }

    @Test func `a provider that stands still is left for the next one`() async throws {
        let contents = sampleBytes(count: 3 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let (silent, honest) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(2))
        network.add(silent) { stream in
            while let bytes = try? await stream.readLengthPrefixed(maxByteCount: 1 << 20) {
                _ = bytes
            }
        }
        try add(honest)
        let fetcher = fetcher()
        async let report = fetcher.fetch(
            id, byteCountMax: contents.count, from: [silent, honest])
        await clock.waitForSleep(of: .seconds(30))
        clock.advance(by: .seconds(30))
        #expect(try await report.providers == [honest])
        #expect(await fetcher.bytesPerSecond(from: silent) == nil)
    }

    @Test func `a busy provider is asked again after its wait`() async throws {
        let contents = sampleBytes(count: 100)
        let id = try await source.putObject(contents).objectID
        let peer = try MemoryNetwork.peer(1)
        let busyLeft = Mutex(2)
        let server = ObjectServer(
            store: source, clock: clock.service, logger: logger, mayServe: { _, _ in true })
        let asker = try MemoryNetwork.peer(200)
        network.add(peer) { stream in
            let isBusy = busyLeft.withLock { left in
                left -= 1
                return left >= 0
            }
            guard isBusy else { return await server.serve(stream, to: asker) }
            _ = try? await stream.readLengthPrefixed(maxByteCount: 1000)
            let busy = TransferFrame.busy(retryMilliseconds: 700, requestID: 1)
            try? await stream.writeLengthPrefixed(busy.bytes)
        }
        let fetcher = fetcher()
        async let report = fetcher.fetch(id, byteCountMax: 1000, from: [peer])
        for _ in 0..<2 {
            await clock.waitForSleep(of: .milliseconds(700))
            clock.advance(by: .milliseconds(700))
        }
        #expect(try await report.receivedByteCount == 100)
        #expect(network.opened.count == 3)
    }

    @Test func `an object above the limit is refused and nobody else is asked`() async throws {
        let contents = sampleBytes(count: 3 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let peers = [try MemoryNetwork.peer(1), try MemoryNetwork.peer(2)]
        for peer in peers { try add(peer) }
        let fetcher = fetcher()
        await #expect {
            try await fetcher.fetch(id, byteCountMax: contents.count - 1, from: peers)
        } throws: { error in
            guard case .objectRefused(id, .objectTooLarge) = error as? TransferError else {
                return false
            }
            return true
        }
        #expect(network.opened == [peers[0]])
        #expect(await store.presence(id) == nil)
    }

    @Test func `callers of one object share one fetch`() async throws {
        let contents = sampleBytes(count: 4 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let peer = try MemoryNetwork.peer(1)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let server = ObjectServer(
            store: source, clock: clock.service, logger: logger, mayServe: { _, _ in true })
        let asker = try MemoryNetwork.peer(200)
        network.add(peer) { stream in
            for await _ in gate { break }
            await server.serve(stream, to: asker)
        }
        let fetcher = fetcher()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    try await fetcher.fetch(id, byteCountMax: contents.count, from: [peer])
                        .manifest.totalByteCount
                }
            }
            open.yield()
            for try await byteCount in group { #expect(byteCount == contents.count) }
        }
        #expect(network.opened == [peer])
        #expect(await store.putCounts.values.allSatisfy { $0 == 1 })
    }

    @Test func `who nobody serves is told whom was asked`() async throws {
        let id = Hashing.blake2b256([1])
        let (away, empty) = (try MemoryNetwork.peer(1), try MemoryNetwork.peer(2))
        try add(empty)
        var settings = TransferSettings()
        settings.fruitlessAttemptCountMax = 1
        let fetcher = fetcher(settings)
        await #expect {
            try await fetcher.fetch(id, byteCountMax: 10, from: [away, empty, away])
        } throws: { error in
            guard case .unavailable(id, let attempts) = error as? TransferError else {
                return false
            }
            return attempts.map(\.provider) == [away, empty]
                && attempts.map(\.outcome) == [.notOpened(.notConnected(away)), .ended(.gone)]
        }
        await #expect {
            try await fetcher.fetch(id, byteCountMax: 10, from: [])
        } throws: {
            if case .noProvider(id) = $0 as? TransferError { true } else { false }
        }
    }

    @Test func `a cancelled fetch ends at once and keeps what it has`() async throws {
        let contents = sampleBytes(count: 8 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let peer = try MemoryNetwork.peer(1)
        let (chunks, sent) = AsyncStream.makeStream(of: Int.self)
        let asker = try MemoryNetwork.peer(200)
        let source = source
        network.add(peer) { stream in
            // Gives the manifest and two chunks, then nothing more.
            guard let manifest = await source.manifest(id) else { return }
            _ = try? await stream.readLengthPrefixed(maxByteCount: 1000)
            try? await stream.writeLengthPrefixed(TransferFrame.manifest(manifest).bytes)
            for index in 0..<2 {
                let bytes = await source.chunk(id, index: index) ?? []
                try? await stream.writeLengthPrefixed(
                    TransferFrame.chunk(index: index, bytes: bytes).bytes)
            }
            _ = asker
        }
        let fetcher = fetcher()
        let task = Task {
            try await fetcher.fetch(
                id, byteCountMax: contents.count, from: [peer],
                progress: { sent.yield($0.heldByteCount / Self.chunk) })
        }
        for await count in chunks where count == 2 { break }
        task.cancel()
        await #expect {
            try await task.value
        } throws: {
            if case .cancelled(id) = $0 as? TransferError { true } else { false }
        }
        #expect(await store.presence(id)?.presentCount == 2)
    }

    @Test func `a store that fails ends the fetch with its own error`() async throws {
        let contents = sampleBytes(count: 4 * Self.chunk)
        let id = try await source.putObject(contents).objectID
        let peer = try MemoryNetwork.peer(1)
        try add(peer)
        for count in 0..<4 {
            await store.fail(afterPuts: count == 0 ? 0 : 1)
            let fetcher = fetcher()
            await #expect {
                try await fetcher.fetch(id, byteCountMax: contents.count, from: [peer])
            } throws: { error in
                guard case .storeFailed(let failure) = error as? TransferError else { return false }
                return failure.operation == .putChunk && failure.cause is MemoryObjectStore.Full
            }
            #expect(await store.presence(id)?.presentCount == count)
        }
        await store.fail(afterPuts: nil)
        let report = try await fetcher().fetch(
            id, byteCountMax: contents.count, from: [peer])
        #expect(report.receivedByteCount == Self.chunk)
        #expect(await store.putCounts.values.allSatisfy { $0 == 1 })
    }
}
