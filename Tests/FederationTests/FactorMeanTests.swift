import Cryptography
import Tensors
import Testing

@testable import Federation

struct FactorMeanTests {
    let manifest: SignedManifest

    init() throws {
        manifest = try Fixtures.signedManifest()
    }

    private func update(
        _ value: Float, member: UInt8, examples: Int = 8, seed: UInt64 = 5
    ) throws -> AdapterUpdate {
        var generator = TestGenerator(state: seed)
        return try UpdateQuantizer(manifest: manifest).quantize(
            delta: Fixtures.delta(value), exampleCount: examples, round: 1,
            base: Fixtures.adapterDigest, member: Fixtures.key(member).publicKey,
            using: &generator
        ).update
    }

    private func mean(_ updates: [AdapterUpdate]) throws -> Aggregate {
        var sum = FactorMean(manifest: manifest.manifest, layout: Fixtures.layout)
        for update in updates { try sum.add(update) }
        return try sum.finish(base: Fixtures.adapter)
    }

    @Test func `the order of updates does not matter`() throws {
        let updates = try [
            update(0.1, member: 2), update(-0.2, member: 3, examples: 3, seed: 6),
            update(0.05, member: 4, examples: 7, seed: 7),
        ]
        let forward = try mean(updates)
        #expect(forward == (try mean(updates.reversed())))
        #expect(forward == (try mean([updates[1], updates[2], updates[0]])))
    }

    @Test func `equal updates give that update`() throws {
        let one = try mean([try update(0.125, member: 2)])
        let many = try mean(try (2...9).map { try update(0.125, member: $0) })
        #expect(one.adapter == many.adapter)
        for (old, new) in zip(Fixtures.adapter.elements, one.adapter.elements) {
            for (before, after) in zip(old.tensor.values, new.tensor.values) {
                #expect(abs(after - before - 0.125) < 1e-5)
            }
        }
    }

    @Test func `examples weigh the mean`() throws {
        let aggregate = try mean([
            try update(0.2, member: 2, examples: 6), try update(-0.2, member: 3, examples: 2),
        ])
        // (6 x 0.2 - 2 x 0.2) / 8
        for value in aggregate.adapter.elements[1].tensor.values {
            #expect(abs(value - 0.1) < 1e-5)
        }
    }

    @Test func `a tensor that one member lacks is averaged over those that hold it`() throws {
        let whole = try update(0.2, member: 2)
        let part = AdapterUpdate(
            manifestDigest: whole.manifestDigest, round: 1,
            baseAdapterDigest: whole.baseAdapterDigest, member: Fixtures.key(3).publicKey,
            exampleCount: 8, tensors: Array(try update(0.1, member: 3).tensors.prefix(1)))
        let aggregate = try mean([whole, part])
        #expect(abs(aggregate.adapter.elements[0].tensor.values[0] - 1.15) < 1e-5)
        #expect(abs(aggregate.adapter.elements[1].tensor.values[0] - 0.2) < 1e-5)
    }

    @Test func `the digests of a known sum do not change`() throws {
        let aggregate = try mean([
            try update(0.1, member: 2), try update(-0.03, member: 3, examples: 5, seed: 9),
        ])
        let adapter = AdapterStateCodec.digest(of: aggregate.adapter)
        #expect(aggregate.sumDigest.hexadecimal == Self.knownSum)
        #expect(adapter.hexadecimal == Self.knownAdapter)
    }

    static let knownSum = "bcd5c0d48eceb3a922d6faadd207f896261d4b9d6212591f85dbedcd77740c56"
    static let knownAdapter =
        "a705d3f767bfdd1f8bb4d06eb17a347f4a718274f8b26fbd9dbd6c4f87f07c75"

    @Test func `an update that breaks a bound leaves the sum as it was`() throws {
        let good = try update(0.1, member: 2)
        var sum = FactorMean(manifest: manifest.manifest, layout: Fixtures.layout)
        try sum.add(good)
        let before = try sum.finish(base: Fixtures.adapter)
        let bad = AdapterUpdate(
            manifestDigest: good.manifestDigest, round: 1,
            baseAdapterDigest: good.baseAdapterDigest, member: good.member, exampleCount: 8,
            tensors: good.tensors.map {
                .init(
                    name: $0.name, shape: $0.shape, weight: $0.weight,
                    words: $0.words.map { _ in 0x7FFF_FFFF })
            })
        #expect(throws: RejectReason.updateRingOverflow) { try sum.add(bad) }
        #expect(try sum.finish(base: Fixtures.adapter) == before)
    }

    @Test func `the registry knows the mean by its name`() {
        #expect(AggregatorRegistry.all["factor-mean"] == FactorMean.self)
    }
}
