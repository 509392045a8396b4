import Cryptography
import Tensors
import Testing

@testable import Federation

/// The mean of products from sums of sketches, beside the one from the products themselves.
struct SketchedMeanTests {
    /// Members of unequal rank, weight and steps, one of which holds a part of the tensors.
    private func updates(
        _ fixture: AggregatorFixture, ranks: [Int] = [2, 8, 5, 1], scale: Double = 0.1,
        round: UInt64 = 1
    ) throws -> [AdapterUpdate] {
        var updates = try ranks.enumerated().map { index, rank in
            try fixture.update(
                fixture.delta(seed: UInt64(index + 1), scale: scale), member: UInt8(index + 2),
                rank: rank, examples: 64 >> index, steps: 8 - index, round: round)
        }
        updates.append(
            try fixture.update(
                fixture.delta(seed: 9, scale: scale), member: 9, rank: 4,
                held: [AggregatorFixture.lone], round: round))
        return updates
    }

    /// 4 directions on 60 x 50: the sketch is shorter than the change.
    private func large(
        _ name: String = SketchedMean.name, momentum: Double = 0, normBound: Double = 100
    ) throws -> AggregatorFixture {
        try AggregatorFixture(name, rank: 4, normBound: normBound, output: 60, input: 50) {
            $0.outerMomentum = momentum
        }
    }

    private func sum(
        of updates: [AdapterUpdate], in step: AggregationRound, onto base: NamedTensors
    ) throws -> SecureSum {
        var words = [UInt32](repeating: 0, count: step.secureVector.elementCount)
        for update in updates {
            for (place, word) in try step.secureWords(of: update, onto: base).enumerated() {
                words[place] &+= word
            }
        }
        return SecureSum(
            participants: updates.map(\.member).sorted(), words: words,
            weight: UInt32(updates.reduce(0) { $0 + $1.exampleCount }),
            digest: Fixtures.digest("total"))
    }

    /// The first pair's product as the mean of the members' products, cut to the wire's rank.
    private func exact(
        _ fixture: AggregatorFixture, _ updates: [AdapterUpdate], onto base: NamedTensors? = nil
    ) -> [Double] {
        let pair = fixture.pairing.pairs[0]
        let holders = updates.filter { $0[AggregatorFixture.first] != nil }
        let total = Double(holders.reduce(0) { $0 + $1.exampleCount })
        let mean = FederationTests.sum(
            holders.map { fixture.product(fixture.trained($0, onto: base ?? fixture.base)) },
            weights: holders.map { Double($0.exampleCount) / total })
        var dense = ColumnMatrix(zerosOf: pair.inputSize, by: pair.outputSize)
        dense.values = mean
        var identity = ColumnMatrix(zerosOf: pair.outputSize, by: pair.outputSize)
        for index in 0..<pair.outputSize { identity[index, index] = 1 }
        var whole = LowRankSum(rowCount: pair.outputSize, columnCount: pair.inputSize)
        whole.add(1, identity, dense)
        let kept = whole.truncated(to: pair.rank)
        return kept.right.timesTransposed(kept.left).values
    }

    /// |found - exact| over |exact - base|, of the first pair's products.
    private func error(
        _ fixture: AggregatorFixture, _ updates: [AdapterUpdate], onto base: NamedTensors? = nil
    ) throws -> Double {
        func distance(_ left: [Double], _ right: [Double]) -> Double {
            zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        let start = base ?? fixture.base
        let found = try fixture.round().aggregate(updates, onto: start)
        let exact = exact(fixture, updates, onto: base)
        return distance(fixture.product(found.adapter), exact)
            / distance(exact, fixture.product(start))
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `a masked sum of unequal ranks gives the plain sketch, bit for bit`(
        round: UInt64
    ) throws {
        for fixture in try [large(momentum: 0.5), AggregatorFixture(SketchedMean.name)] {
            let updates = try updates(fixture, round: round)
            let step = fixture.round(round)
            let open = try step.aggregate(updates, onto: fixture.base)
            let secure = try step.aggregate(
                try sum(of: updates, in: step, onto: fixture.base), onto: fixture.base)
            #expect(secure.adapter == open.adapter)
            #expect(secure.droppedEnergy == open.droppedEnergy)
            #expect(secure.sumDigest != open.sumDigest)
            // The state that came out, with its momentum, is a base like any other.
            let next = try step.aggregate(updates, onto: open.adapter)
            let sum = try sum(of: updates, in: step, onto: open.adapter)
            #expect(try step.aggregate(sum, onto: open.adapter).adapter == next.adapter)
        }
    }

    @Test func `the sketch of low ranks is the mean of the products`() throws {
        let fixture = try large()
        // Ranks 2, 1 and 3 leave a rest of rank 6, below the eight columns that look at it.
        for ranks in [[2, 1, 3], [4]] {
            let updates = try Array(updates(fixture, ranks: ranks).dropLast())
            let error = try error(fixture, updates)
            #expect(error < 1e-4, "ranks \(ranks): \(error)")
        }
    }

    @Test func `the sketch of full ranks is off by a part of the second order`() throws {
        let fixture = try large()
        for (scale, bound) in [(0.02, 0.001), (0.1, 0.02)] {
            let updates = try updates(fixture, ranks: [4, 4, 4, 4, 4], scale: scale)
            let error = try error(fixture, updates)
            #expect(error < bound, "changes of \(scale): \(error)")
            #expect(error > 1e-6)
        }
    }

    @Test func `a pair that starts at zero comes out as the mean of the products`() throws {
        let fixture = try large()
        var base = fixture.base
        for pair in fixture.pairing.pairs {
            let entry = base.elements[pair.output]
            base.replace(entry.name, with: FloatTensor(zeros: entry.tensor.shape))
        }
        let updates = try Array(updates(fixture, ranks: [2, 1, 3]).dropLast())
        let error = try error(fixture, updates, onto: base)
        #expect(error < 1e-4, "\(error)")
    }

    @Test func `the vector has the length that the layout says`() throws {
        let fixture = try large()
        let step = fixture.round()
        // The lone tensor, 12 columns on both sides of the first pair, the second one as it is, and
        // three weights.
        #expect(step.secureVector.elementCount == 7 + (60 + 50) * 12 + 5 * 4 + 3)
        let words = try step.secureWords(of: updates(fixture)[0], onto: fixture.base)
        #expect(words.count == step.secureVector.elementCount)
        #expect(words.suffix(3) == [64, 64, 64])
        let none = try step.secureWords(of: updates(fixture)[4], onto: fixture.base)
        #expect(none.suffix(3) == [64, 0, 0])
        #expect(none[7..<(none.count - 3)].allSatisfy { $0 == 0 })
    }

    @Test func `what no honest members can have put in is refused`() throws {
        let fixture = try large(normBound: 2)
        let step = fixture.round()
        let good = try sum(of: updates(fixture), in: step, onto: fixture.base)
        func refusal(_ change: (inout [UInt32]) -> Void, weight: UInt32? = nil) -> RejectReason? {
            var words = good.words
            change(&words)
            let sum = SecureSum(
                participants: good.participants, words: words, weight: weight ?? good.weight,
                digest: good.digest)
            do throws(RejectReason) {
                _ = try step.aggregate(sum, onto: fixture.base)
                return nil
            } catch {
                return error
            }
        }
        let last = good.words.count - 1
        #expect(refusal({ _ in }) == nil)
        #expect(refusal({ _ in }, weight: 4) == .updateWeightInvalid)
        #expect(refusal({ _ in }, weight: 5 * 64 + 1) == .updateWeightInvalid)
        #expect(refusal({ $0[last] = good.weight + 1 }) == .updateWeightInvalid)
        #expect(refusal({ $0[20] = 1 << 30 }) == .updateRingOverflow)
        #expect(refusal({ $0[last] = 0 }) == .updateRingOverflow)
        #expect(refusal({ $0.removeLast() }) == .updateShapeMismatch)
        let full = UInt32(good.words[last - 1]) << 22 / 64
        #expect(
            refusal({ words in
                for place in 7..<(7 + 110 * 12) { words[place] = full }
            }) == .updateNormExceeded)
    }

    @Test func `members at the norm bound sum to what is within it`() throws {
        for bound in [0.05, 0.4] {
            let fixture = try large(normBound: bound)
            let updates = try (2...6).map { member in
                try fixture.update(fixture.delta(seed: 9), member: member, rank: 4)
            }
            let step = fixture.round()
            let sum = try sum(of: updates, in: step, onto: fixture.base)
            #expect((try? step.aggregate(sum, onto: fixture.base)) != nil)
        }
    }

    @Test func `short forms and other rounds make no vector`() throws {
        let short = try AggregatorFixture(SketchedMean.name, form: .int8)
        let update = try short.update(short.delta(seed: 1), member: 2)
        #expect(throws: RejectReason.updateFormInvalid) {
            try short.round().secureWords(of: update, onto: short.base)
        }
        let other = try AggregatorFixture(SketchedMean.name, output: 7)
        let foreign = try other.update(other.delta(seed: 1), member: 2)
        let fixture = try AggregatorFixture(SketchedMean.name)
        #expect(throws: RejectReason.updateShapeMismatch) {
            try fixture.round().secureWords(of: foreign, onto: fixture.base)
        }
    }
}
