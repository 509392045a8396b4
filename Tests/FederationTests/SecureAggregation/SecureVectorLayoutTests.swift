import Cryptography
import Tensors
import Testing

@testable import Federation

/// From updates to vectors and from a vector's sum to the next adapter.
@Suite struct SecureVectorLayoutTests {
    static let rules = [FactorMean.name, FrozenInputMean.name, AlternatingMean.name]

    /// Members of unequal rank, weight and steps, and one that holds a part of the tensors.
    private func updates(
        _ fixture: AggregatorFixture, round: UInt64 = 1
    ) throws -> [AdapterUpdate] {
        try [
            fixture.update(fixture.delta(seed: 1), member: 2, rank: 2, round: round),
            fixture.update(
                fixture.delta(seed: 2), member: 3, rank: 8, examples: 24, steps: 3, round: round),
            fixture.update(
                fixture.delta(seed: 3), member: 4, rank: 5, held: [AggregatorFixture.lone],
                round: round),
            fixture.update(fixture.delta(seed: 4), member: 5, rank: 8, examples: 1, round: round),
        ]
    }

    private func sum(
        of updates: [AdapterUpdate], in vector: SecureVectorLayout
    ) throws -> SecureSum {
        var words = [UInt32](repeating: 0, count: vector.elementCount)
        for update in updates {
            for (place, word) in try vector.words(of: update).enumerated() {
                words[place] &+= word
            }
        }
        return SecureSum(
            participants: updates.map(\.member).sorted(), words: words,
            weight: UInt32(updates.reduce(0) { $0 + $1.exampleCount }),
            digest: Fixtures.digest("total"))
    }

    @Test(arguments: rules, [1, 2, 3] as [UInt64])
    func `a sum gives what the updates give, bit for bit`(name: String, round: UInt64) throws {
        let fixture = try AggregatorFixture(name) { $0.outerMomentum = 0.5 }
        let updates = try updates(fixture, round: round)
        let step = fixture.round(round)
        let sum = try sum(of: updates, in: step.secureVector)
        let open = try step.aggregate(updates, onto: fixture.base)
        let secure = try step.aggregate(sum, onto: fixture.base)
        #expect(secure == open)
        #expect(secure.sumDigest == open.sumDigest)
    }

    @Test func `a rule that looks at single updates takes no sum`() throws {
        let fixture = try AggregatorFixture(SpectralMean.name)
        let updates = try updates(fixture)
        let sum = try sum(of: updates, in: fixture.round().secureVector)
        #expect(throws: RejectReason.manifestMismatch) {
            try fixture.round().aggregate(sum, onto: fixture.base)
        }
    }

    @Test func `a round that trains one half sums that half alone`() throws {
        let whole = try AggregatorFixture(FactorMean.name).round().secureVector.elementCount
        let odd = try AggregatorFixture(AlternatingMean.name).round(1).secureVector.elementCount
        let even = try AggregatorFixture(AlternatingMean.name).round(2).secureVector.elementCount
        // Elements, a weight for each of the 8 directions of each half, and the lone tensor's 8.
        #expect(whole == 8 * 10 + 6 * 8 + 8 * 4 + 5 * 8 + 7 + 4 * 8 + 1)
        #expect(odd == 6 * 8 + 5 * 8 + 7 + 2 * 8 + 1)
        #expect(odd + even == whole + 8)
    }

    @Test func `what no honest members can have put in is refused`() throws {
        let fixture = try AggregatorFixture(FactorMean.name, normBound: 5)
        let vector = fixture.round().secureVector
        let good = try sum(of: updates(fixture), in: vector)
        #expect((try? vector.sums(of: good)) != nil)
        let weights = vector.elementCount - (4 * 8 + 1)
        func refusal(_ change: (inout [UInt32]) -> Void, weight: UInt32? = nil) -> RejectReason? {
            var words = good.words
            change(&words)
            let sum = SecureSum(
                participants: good.participants, words: words, weight: weight ?? good.weight,
                digest: good.digest)
            do throws(RejectReason) {
                _ = try vector.sums(of: sum)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal({ _ in }, weight: 3) == .updateWeightInvalid)
        #expect(refusal({ _ in }, weight: 4 * 64 + 1) == .updateWeightInvalid)
        #expect(refusal({ $0[weights] = UInt32(bitPattern: -1) }) == .updateWeightInvalid)
        #expect(refusal({ $0[weights] = good.weight + 1 }) == .updateWeightInvalid)
        #expect(refusal({ $0[0] = 1 << 30 }) == .updateRingOverflow)
        // Nobody holds the direction, so nobody can have put anything in.
        #expect(refusal({ $0[weights] = 0 }) == .updateRingOverflow)
        #expect(refusal({ $0.removeLast() }) == .updateShapeMismatch)
        // Each element within its bound, all of them together far beyond the norm.
        let full = UInt32(good.weight) << 22 / 64
        #expect(
            refusal({ words in
                for place in 0..<weights { words[place] = full }
                for place in weights..<words.count { words[place] = good.weight }
            }) == .updateNormExceeded)
    }

    @Test func `members at the norm bound sum to what is within it`() throws {
        let fixture = try AggregatorFixture(FactorMean.name, normBound: 0.3)
        let vector = fixture.round().secureVector
        // The quantiser scales each of these down to the bound.
        let sameWay = try (2...6).map { member in
            try fixture.update(fixture.delta(seed: 9), member: member, examples: 64)
        }
        #expect((try? vector.sums(of: sum(of: sameWay, in: vector))) != nil)
        let apart = try [2, 3].map { (member: UInt8) in
            try fixture.update(
                fixture.delta(seed: 9), member: member,
                held: member == 2
                    ? [AggregatorFixture.lone]
                    : [AggregatorFixture.first, "layers.0.q_proj.lora_B.weight"],
                examples: 64)
        }
        #expect((try? vector.sums(of: sum(of: apart, in: vector))) != nil)
    }

    @Test func `an update of another round or form makes no vector`() throws {
        let fixture = try AggregatorFixture(AlternatingMean.name)
        let even = try fixture.update(fixture.delta(seed: 1), member: 2, round: 2)
        #expect(throws: RejectReason.updateUnknownTensor) {
            try fixture.round(1).secureVector.words(of: even)
        }
        let short = try AggregatorFixture(FactorMean.name, form: .int8)
        let update = try short.update(short.delta(seed: 1), member: 2)
        #expect(throws: RejectReason.updateFormInvalid) {
            try short.round().secureVector.words(of: update)
        }
    }

    @Test func `a member masks nothing that a plain round would refuse`() throws {
        let fixture = try AggregatorFixture(FactorMean.name, normBound: 1)
        let good = try fixture.update(fixture.delta(seed: 1), member: 2)
        let vector = fixture.round().secureVector
        _ = try vector.words(of: good)
        func changed(_ word: UInt32, examples: Int = 64) -> AdapterUpdate {
            AdapterUpdate(
                manifestDigest: good.manifestDigest, round: 1,
                baseAdapterDigest: good.baseAdapterDigest, member: good.member,
                exampleCount: examples, stepCount: good.stepCount,
                tensors: good.tensors.map {
                    .init(
                        name: $0.name, held: $0.held, weight: $0.weight, form: $0.form,
                        steps: $0.steps, words: $0.words.map { _ in word })
                })
        }
        // Each element within its clip, all of them beyond the norm.
        #expect(throws: RejectReason.updateNormExceeded) { try vector.words(of: changed(1 << 21)) }
        #expect(throws: RejectReason.updateRingOverflow) {
            try vector.words(of: changed(1 << 31 - 1))
        }
        #expect(throws: RejectReason.updateWeightInvalid) {
            try vector.words(of: changed(0, examples: 65))
        }
    }

    @Test func `the longest frame of words is a shard of the smallest group`() {
        for count in [10, 4096, 9000, 1_000_000] {
            let bound = SecureVectorLayout.frameByteCountMax(elementCount: count)
            for members in 3...64 {
                let map = ShardMap(wordCount: count + 1, memberCount: members)
                for shard in 0..<map.shardCount {
                    #expect(4 * map.range(of: shard).count + 37 <= bound)
                }
            }
        }
    }
}
