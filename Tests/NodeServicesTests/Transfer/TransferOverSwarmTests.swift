import Cryptography
import LibP2P
import NodeServices
import Synchronization
import Testing
import Transports

@Suite struct TransferOverSwarmTests {
    @Test func `20 MB go on after a killed connection without a chunk fetched twice`()
        async throws
    {
        let (provider, node) = (LoopbackNode(), LoopbackNode())
        let contents = sampleBytes(count: 20_000_000)
        let id = try await provider.store.putObject(contents).objectID
        // The first stream stops before its 31st chunk until the connection is gone.
        let sentCount = Mutex(0)
        let (stops, stopped) = AsyncStream.makeStream(of: Void.self)
        let (gate, opened) = AsyncStream.makeStream(of: Void.self)
        provider.serveObjects { frame in
            guard case .chunk = frame else { return frame }
            let count = sentCount.withLock { count in
                count += 1
                return count
            }
            guard count == 31 else { return frame }
            stopped.yield()
            for await _ in gate { break }
            return nil
        }
        let address = try #require(try await provider.swarm.start().first)
        _ = try await node.swarm.start()
        try await node.swarm.dial(address)

        let fetcher = node.makeFetcher()
        async let report = fetcher.fetch(
            id, byteCountMax: contents.count, from: [provider.id])
        for await _ in stops { break }
        await provider.swarm.disconnect(node.id, reason: "test")
        await node.clock.waitForSleep(of: .seconds(1))
        opened.finish()
        let held = await node.store.presence(id)?.presentCount ?? 0
        #expect((1...30).contains(held))
        for await event in node.swarm.events {
            if case .disconnected = event { break }
        }
        try await node.swarm.dial(address)
        node.clock.advance(by: .seconds(1))

        #expect(try await report.receivedByteCount == contents.count)
        #expect(await node.store.putCounts.count == 77)
        #expect(await node.store.putCounts.values.allSatisfy { $0 == 1 })
        #expect(
            try await node.store.contents(of: id, byteCountMax: contents.count) == contents)
        await node.swarm.shutdown()
        await provider.swarm.shutdown()
    }

    @Test func `a corrupt provider is found out and the object comes from the next`()
        async throws
    {
        let (liar, honest, node) = (LoopbackNode(), LoopbackNode(), LoopbackNode())
        let contents = sampleBytes(count: 2_000_000)
        let id = try await liar.store.putObject(contents).objectID
        _ = try await honest.store.putObject(contents)
        liar.serveObjects { frame in
            guard case .chunk(2, var bytes) = frame else { return frame }
            bytes[0] ^= 1
            return .chunk(index: 2, bytes: bytes)
        }
        honest.serveObjects()
        _ = try await node.swarm.start()
        for provider in [liar, honest] {
            try await node.swarm.dial(try #require(try await provider.swarm.start().first))
        }
        let report = try await node.makeFetcher().fetch(
            id, byteCountMax: contents.count, from: [liar.id, honest.id])
        #expect(report.providers == [liar.id, honest.id])
        #expect(
            try await node.store.contents(of: id, byteCountMax: contents.count) == contents)
        for swarm in [node.swarm, liar.swarm, honest.swarm] { await swarm.shutdown() }
    }

    @Test func `what a provider owes when it is cut off comes from the one beside it`() async throws
    {
        let (frail, steady, node) = (LoopbackNode(), LoopbackNode(), LoopbackNode())
        let contents = sampleBytes(count: 8_000_000)
        let id = try await frail.store.putObject(contents).objectID
        _ = try await steady.store.putObject(contents)
        let sentCount = Mutex(0)
        frail.serveObjects { frame in
            guard case .chunk = frame else { return frame }
            return sentCount.withLock { count in
                count += 1
                return count > 3 ? nil : frame
            }
        }
        steady.serveObjects()
        _ = try await node.swarm.start()
        for provider in [frail, steady] {
            try await node.swarm.dial(try #require(try await provider.swarm.start().first))
        }
        let report = try await node.makeFetcher().fetch(
            id, byteCountMax: contents.count, from: [frail.id, steady.id])
        #expect(report.providers.last == steady.id)
        #expect(report.receivedByteCount == contents.count)
        #expect(await node.store.putCounts.values.allSatisfy { $0 == 1 })
        #expect(
            try await node.store.contents(of: id, byteCountMax: contents.count) == contents)
        for swarm in [node.swarm, frail.swarm, steady.swarm] { await swarm.shutdown() }
    }

    @Test func `a peer without the object, and one without the protocol, are passed over`()
        async throws
    {
        let (mute, empty, node) = (LoopbackNode(), LoopbackNode(), LoopbackNode())
        empty.serveObjects()
        _ = try await node.swarm.start()
        for provider in [mute, empty] {
            try await node.swarm.dial(try #require(try await provider.swarm.start().first))
        }
        var settings = TransferSettings()
        settings.fruitlessAttemptCountMax = 1
        let fetcher = ObjectFetcher(
            store: node.store, streams: node.swarm, settings: settings,
            clock: node.clock.service, logger: node.logger)
        await #expect {
            try await fetcher.fetch(
                Hashing.blake2b256([1]), byteCountMax: 10, from: [mute.id, empty.id])
        } throws: { error in
            guard case .unavailable(_, let attempts) = error as? TransferError else {
                return false
            }
            return attempts.map(\.provider) == [mute.id, empty.id]
                && attempts.last?.outcome == .ended(.gone)
        }
        for swarm in [node.swarm, mute.swarm, empty.swarm] { await swarm.shutdown() }
    }
}
