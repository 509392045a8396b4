import Cryptography
import Federation
import Tensors
import Testing

@testable import NodeServices

/// What a node remembers between rounds lies on its disk.
@Suite struct RoundMemoryTests {
    private static var settings: Manifest.AggregationSettings {
        var settings = Manifest.AggregationSettings.spectral
        settings.wireForm = .int4
        settings.usesControlVariates = true
        return settings
    }

    @Test func `what a certified round left is found again by a node that was killed`() async throws
    {
        let federation = try await LoneFederation(Self.settings)
        let fresh = try await federation.find(before: 1)
        #expect(fresh.source == nil)
        #expect(fresh.memory == AggregationRound.Memory(layout: federation.layout))
        try await federation.certify(federation.train(1, seed: 2))
        let found = try await federation.find(before: 2)
        #expect(found.source == 1)
        #expect(found.memory.feedback != fresh.memory.feedback)
        #expect(found.memory.control != fresh.memory.control)
        federation.close()
        let again = try await federation.find(before: 2)
        #expect(again.memory == found.memory && again.source == 1)
    }

    @Test func `a round that is trained again after a kill gives the same update`() async throws {
        let federation = try await LoneFederation(Self.settings)
        try await federation.certify(federation.train(1, seed: 2))
        let first = try await federation.train(2, seed: 3)
        federation.close()
        let second = try await federation.train(2, seed: 3)
        #expect(second == first)
        // Another memory would have given another one.
        let other = try await LoneFederation(Self.settings)
        try await other.certify(other.train(1, seed: 9))
        #expect(try await other.train(2, seed: 3).objectID != first.objectID)
        try await federation.certify(second)
        #expect(try await federation.find(before: 3).source == 2)
    }

    @Test func `a round whose entry lacks the update is as if it had not been`() async throws {
        let federation = try await LoneFederation(Self.settings)
        try await federation.certify(federation.train(1, seed: 2))
        let expected = try await federation.find(before: 2)
        // Trained and never certified: the node was too late.
        _ = try await federation.train(2, seed: 3)
        let found = try await federation.find(before: 3)
        #expect(found.source == 1 && found.memory == expected.memory)
        _ = try await federation.train(3, seed: 4)
        let rounds = try await federation.opened().memoryHeaders().map(\.round)
        #expect(rounds == [3, 1])
        federation.close()
        #expect(try await federation.find(before: 3).memory == expected.memory)
    }

    @Test func `retiring old rounds leaves what the memory is about`() async throws {
        let federation = try await LoneFederation(Self.settings)
        let start = federation.base
        var updates: [ObjectID] = []
        for round in UInt64(1)...3 {
            let summary = try await federation.train(round, seed: round)
            updates.append(summary.objectID)
            try await federation.certify(summary)
        }
        let store = try await federation.opened()
        let expected = try await federation.find(before: 4)
        try await store.retire(before: 3, keeping: 1, adapter: federation.base)
        #expect(try await federation.find(before: 4).memory == expected.memory)
        #expect(expected.source == 3)
        #expect(try await store.object(updates[0]) == nil)
        #expect(try await store.object(updates[2]) != nil)
        // Where the adapters are gone all the same, the node begins anew.
        let base = try #require(try await store.memoryHeaders().first).baseAdapterDigest
        #expect(base != start)
        try await store.deleteObjects([base])
        let lost = try await federation.find(before: 4)
        #expect(lost.memory == AggregationRound.Memory(layout: federation.layout))
    }

    @Test func `what the memory let go of is dropped by a later retirement`() async throws {
        let federation = try await LoneFederation(Self.settings)
        var updates: [ObjectID] = []
        var adapters: [Digest] = []
        for round in UInt64(1)...6 {
            let summary = try await federation.train(round, seed: round)
            updates.append(summary.objectID)
            try await federation.certify(summary)
            adapters.append(federation.base)
            let store = try await federation.opened()
            try await store.retire(before: round, keeping: 1, adapter: federation.base)
            // After a restart, too.
            federation.close()
        }
        let store = try await federation.opened()
        let remembered = Set(try await store.memoryHeaders().map(\.updateID))
        for (place, update) in updates.enumerated() where place < 5 {
            let isKept = try await store.object(update) != nil
            #expect(isKept == remembered.contains(update), "round \(place + 1)")
        }
        #expect(try await store.object(updates[5]) != nil)
        #expect(try await store.object(adapters[5]) != nil)
        #expect(try await store.object(adapters[0]) == nil)
        #expect(try await store.entries().count >= 6)
    }
}
