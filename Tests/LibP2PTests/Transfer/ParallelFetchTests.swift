import LibP2P
import Testing

/// Fetches from several providers at once, in made-up time.
@Suite struct ParallelFetchTests {
    static func object(chunkCount: Int) throws -> SampleObject {
        try SampleObject(stampedChunkCount: chunkCount)
    }

    static func provider(
        _ number: UInt8, _ held: some Sequence<Int>, milliseconds: Int,
        _ manner: FetchWorld.Manner = .honest
    ) -> FetchWorld.Provider {
        FetchWorld.Provider(
            peer: FetchWorld.peer(number), held: Set(held), pace: .milliseconds(milliseconds),
            manner: manner)
    }

    func contents(of world: FetchWorld) -> [UInt8] {
        (0..<world.object.manifest.chunkCount).flatMap { world.accepted[$0] ?? [] }
    }

    @Test func `two providers with a half each give the whole`() throws {
        let object = try Self.object(chunkCount: 20)
        var world = FetchWorld(
            object,
            [
                Self.provider(1, 0..<10, milliseconds: 10),
                Self.provider(2, 10..<20, milliseconds: 10),
            ])
        try world.run(until: .seconds(10))
        #expect(contents(of: world) == object.contents)
        #expect((0..<10).allSatisfy { world.givers[$0] == FetchWorld.peer(1) })
        #expect((10..<20).allSatisfy { world.givers[$0] == FetchWorld.peer(2) })
        // Side by side, not one after the other.
        #expect(world.now < .milliseconds(220))
    }

    @Test func `four equal providers are more than twice as fast as one`() throws {
        let object = try Self.object(chunkCount: 64)
        var one = FetchWorld(object, [Self.provider(1, 0..<64, milliseconds: 20)])
        try one.run(until: .seconds(10))
        var four = FetchWorld(
            object, (1...4).map { Self.provider($0, 0..<64, milliseconds: 20) })
        try four.run(until: .seconds(10))
        #expect(contents(of: four) == object.contents)
        #expect(four.now * 2 < one.now)
        #expect(four.providers.map(\.askedCount).reduce(0, +) <= 64 + 16)
    }

    @Test func `unequal providers share by their speed and nobody waits for the slow one`() throws {
        let object = try Self.object(chunkCount: 40)
        var world = FetchWorld(
            object,
            [
                Self.provider(1, 0..<40, milliseconds: 4_000),
                Self.provider(2, 0..<40, milliseconds: 50),
            ])
        try world.run(until: .seconds(60))
        #expect(contents(of: world) == object.contents)
        // The slow one alone needs 160 s, the fast one 2 s; what the slow one was asked for first is
        // asked of the fast one too.
        #expect(world.now < .seconds(5))
        #expect(world.givers.values.count { $0 == FetchWorld.peer(2) } >= 38)
    }

    @Test func `what a provider that stands still owes is had from another`() throws {
        let object = try Self.object(chunkCount: 12)
        var world = FetchWorld(
            object,
            [
                Self.provider(1, 0..<12, milliseconds: 10, .stalls(after: 2)),
                Self.provider(2, 0..<12, milliseconds: 10),
            ])
        try world.run(until: .seconds(30))
        #expect(contents(of: world) == object.contents)
        #expect(world.now < .seconds(3))
    }

    @Test func `a provider that never says anything costs two seconds`() throws {
        let object = try Self.object(chunkCount: 3)
        var world = FetchWorld(
            object,
            [
                Self.provider(1, 0..<3, milliseconds: 1_000_000),
                Self.provider(2, 0..<3, milliseconds: 10),
            ])
        try world.run(until: .seconds(30))
        #expect(contents(of: world) == object.contents)
        #expect(world.now < .seconds(3))
    }

    @Test func `a provider that dies midway leaves its share to the others`() throws {
        let object = try Self.object(chunkCount: 16)
        var world = FetchWorld(
            object,
            [
                Self.provider(1, 0..<16, milliseconds: 10, .dies(after: 3)),
                Self.provider(2, 0..<16, milliseconds: 10),
            ])
        try world.run(until: .seconds(10))
        #expect(contents(of: world) == object.contents)
        #expect(world.now < .seconds(1))
    }

    @Test func `a liar's chunk is not let in and the liar not asked again`() throws {
        let object = try Self.object(chunkCount: 16)
        let (liar, honest) = (FetchWorld.peer(1), FetchWorld.peer(2))
        var world = FetchWorld(
            object,
            [
                Self.provider(1, 0..<16, milliseconds: 10, .lies(after: 2)),
                Self.provider(2, 0..<16, milliseconds: 10),
            ])
        try world.run(until: .seconds(10))
        #expect(contents(of: world) == object.contents)
        #expect(world.ends[liar] == [.providerFault(.wrongChunk(2))])
        #expect(world.ends[honest] == [.complete])
    }

    @Test func `with a part held, only the rest is asked for`() throws {
        let object = try Self.object(chunkCount: 20)
        var presence = ChunkPresence(count: 20)
        for index in 0..<20 where index % 4 != 0 { presence.insert(index) }
        var world = FetchWorld(
            object, (1...2).map { Self.provider($0, 0..<20, milliseconds: 10) },
            holding: presence)
        try world.run(until: .seconds(10))
        #expect(world.fetcher.isComplete)
        #expect(world.accepted.keys.sorted() == [0, 4, 8, 12, 16])
        #expect(world.providers.map(\.askedCount).reduce(0, +) == 5)
    }

    @Test func `a rare chunk is asked for before common ones`() throws {
        let object = try Self.object(chunkCount: 12)
        var fetcher = ObjectFetchInstance(
            objectID: object.manifest.objectID, byteCountMax: 1 << 30, manifest: object.manifest)
        let (part, whole) = (FetchWorld.peer(1), FetchWorld.peer(2))
        var most = ChunkPresence(count: 12)
        for index in 0..<12 where index != 9 { most.insert(index) }
        _ = fetcher.handle(.asked(part), now: .zero)
        _ = fetcher.handle(.asked(whole), now: .zero)
        _ = fetcher.handle(.opened(part), now: .zero)
        _ = fetcher.handle(.received(.have(most), from: part), now: .zero)
        let directives = fetcher.handle(.opened(whole), now: .zero)
        guard case .send(.request(let request), whole)? = directives.first else {
            Issue.record("nothing was asked for: \(directives)")
            return
        }
        #expect(request.ranges.first == 9..<10)
    }

    @Test(arguments: 0..<60)
    func `whatever the others do, what honest providers hold arrives`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let chunkCount = Int.random(in: 1...14, using: &random)
        let object = try Self.object(chunkCount: chunkCount)
        var providers: [FetchWorld.Provider] = []
        var covered: Set<Int> = []
        for number in 1...UInt8.random(in: 1...7, using: &random) {
            let manner: FetchWorld.Manner
            switch Int.random(in: 0..<6, using: &random) {
            case 0: manner = .stalls(after: Int.random(in: 0...chunkCount, using: &random))
            case 1: manner = .lies(after: Int.random(in: 0...chunkCount, using: &random))
            case 2: manner = .dies(after: Int.random(in: 0...chunkCount, using: &random))
            default: manner = .honest
            }
            let held = (0..<chunkCount).filter { _ in Bool.random(using: &random) }
            if manner == .honest { covered.formUnion(held) }
            var provider = Self.provider(
                number, held, milliseconds: Int.random(in: 1...900, using: &random), manner)
            provider.delay = .milliseconds(Int.random(in: 1...300, using: &random))
            providers.append(provider)
        }
        // One honest provider has what the others lack.
        var rest = Set(0..<chunkCount).subtracting(covered)
        rest.insert(0)
        providers.append(Self.provider(99, rest, milliseconds: 300))
        providers.shuffle(using: &random)
        var world = FetchWorld(object, providers)
        try world.run(until: .seconds(600))
        #expect(world.fetcher.isComplete, "missing: \(world.fetcher.presence?.missing ?? [])")
        #expect(contents(of: world) == object.contents)
        #expect(world.activeMax <= 4)
        for (peer, ends) in world.ends {
            let isLiar = world.providers.contains {
                if case .lies = $0.manner { $0.peer == peer } else { false }
            }
            let isFaulted = ends.contains { if case .providerFault = $0 { true } else { false } }
            #expect(isLiar || !isFaulted)
        }
    }
}
