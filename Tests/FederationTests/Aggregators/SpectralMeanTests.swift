import Cryptography
import Tensors
import Testing

@testable import Federation

struct SpectralMeanTests {
    @Test func `the mean of products differs from the product of means by the spread`() throws {
        // sum w B A - B' A' = sum w (B - B') (A - A'), with non-square, asymmetric factors.
        let spectral = try AggregatorFixture("spectral")
        let factors = try AggregatorFixture("factor-mean")
        let deltas: [NamedTensors] = (1...4).map { spectral.delta(seed: $0, scale: 1.5) }
        let examples = [64, 10, 30, 20]
        func updates(_ fixture: AggregatorFixture) throws -> [AdapterUpdate] {
            try deltas.indices.map {
                try fixture.update(deltas[$0], member: UInt8($0 + 2), examples: examples[$0])
            }
        }
        let mean = try spectral.round().aggregate(try updates(spectral), onto: spectral.base)
        let each = try factors.round().aggregate(try updates(factors), onto: factors.base)
        let trained = try updates(spectral).map(spectral.trained)
        let weights = examples.map { Double($0) / 124 }
        let spread = trained.map { tensors in
            spectral.product(tensors.subtracting(each.adapter))
        }
        let expected = sum(spread, weights: weights)
        let difference = sum(
            [spectral.product(mean.adapter), spectral.product(each.adapter)], weights: [1, -1])
        #expect(distance(difference, expected) < 1e-5)
        #expect(distance(difference, difference.map { _ in 0 }) > 0.01)
    }

    @Test(arguments: [(6, 10), (10, 6), (8, 8)])
    func `a wide enough rank gives the dense mean and not its transpose`(
        output: Int, input: Int
    ) throws {
        let fixture = try AggregatorFixture("spectral", output: output, input: input)
        let ranks = [1, 2, 3]
        let updates = try ranks.map {
            try fixture.update(
                fixture.delta(seed: UInt64($0)), member: UInt8($0 + 2), rank: $0, examples: 16)
        }
        let aggregate = try fixture.round().aggregate(updates, onto: fixture.base)
        let products = updates.map { fixture.product(fixture.trained($0)) }
        let mean = sum(products, weights: [1.0 / 3, 1.0 / 3, 1.0 / 3])
        let product = fixture.product(aggregate.adapter)
        #expect(distance(product, mean) < 1e-5)
        #expect(aggregate.droppedEnergy < 1e-10)
        if output == input {
            let transposed = product.indices.map {
                product[$0 % output * output + $0 / output]
            }
            #expect(distance(transposed, mean) > 0.1)
        }
    }

    @Test func `members of rank 2 and 16 average over the same products`() throws {
        let fixture = try AggregatorFixture("spectral", rank: 16, output: 20, input: 24)
        let small = try fixture.update(fixture.delta(seed: 1), member: 2, rank: 2)
        let large = try fixture.update(fixture.delta(seed: 2), member: 3, rank: 16)
        #expect(small[AggregatorFixture.first]?.directions?.count == 2)
        #expect(large[AggregatorFixture.first]?.directions == nil)
        let aggregate = try fixture.round().aggregate([small, large], onto: fixture.base)
        // 16 of the up to 20 directions travel: the best rank-16 part of the dense mean, so nothing
        // else of that rank is nearer, and what is missing is what is reported.
        let mean = sum(
            [small, large].map { fixture.product(fixture.trained($0)) }, weights: [0.5, 0.5])
        let missing = sum([fixture.product(aggregate.adapter), mean], weights: [1, -1])
        let energy = mean.reduce(0) { $0 + $1 * $1 }
        let share = missing.reduce(0) { $0 + $1 * $1 } / energy
        #expect(abs(share - aggregate.droppedEnergy) < 1e-6)
        #expect(share > 1e-5)
        #expect(share < 0.01)
    }

    @Test func `a member of rank 0 counts for no pair and for its lone tensors`() throws {
        let fixture = try AggregatorFixture("spectral")
        let full = try fixture.update(fixture.delta(seed: 1), member: 2)
        let none = try fixture.update(fixture.delta(seed: 2), member: 3, rank: 0)
        #expect(none.tensors.map(\.name) == [AggregatorFixture.lone])
        let alone = try fixture.round().aggregate([full], onto: fixture.base)
        let both = try fixture.round().aggregate([full, none], onto: fixture.base)
        for index in 0..<4 {
            #expect(both.adapter.elements[index] == alone.adapter.elements[index])
        }
        #expect(both.adapter.elements[4] != alone.adapter.elements[4])
    }

    @Test func `directions without weight begin again from the shared seed`() throws {
        // A base without product, and one member that trains one direction.
        let fixture = try AggregatorFixture("spectral")
        var base = fixture.base
        base.replace("layers.0.q_proj.lora_B.weight", with: FloatTensor(zeros: Shape([6, 8])))
        let update = try fixture.update(fixture.delta(seed: 3), member: 2, rank: 1)
        let aggregate = try fixture.round().aggregate([update], onto: base)
        let a = aggregate.adapter.elements[0].tensor.values
        let b = aggregate.adapter.elements[1].tensor.values
        for direction in 1..<8 {
            #expect((0..<6).allSatisfy { b[$0 * 8 + direction] == 0 })
            let row = a[direction * 10..<direction * 10 + 10]
            #expect(row.allSatisfy { abs($0) <= Float(1 / 10.0.squareRoot()) })
            #expect(Set(row).count == 10)
        }
        #expect((0..<6).contains { abs(b[$0 * 8]) > 0.01 })
        let later = try fixture.update(fixture.delta(seed: 3), member: 2, rank: 1, round: 2)
        let other = try fixture.round(2).aggregate([later], onto: base)
        #expect(other.adapter.elements[0].tensor.values[10...] != a[10...])
    }

    @Test func `the directions of a member change with round, member and pair`() throws {
        let fixture = try AggregatorFixture("spectral", rank: 16)
        func drawn(_ member: UInt8, _ round: UInt64, _ pair: Int) -> [Int] {
            let draw = DirectionDraw(
                manifestDigest: fixture.manifest.digest, round: round,
                member: Fixtures.key(member).publicKey)
            return SpectralMean.directions(4, of: fixture.pairing.pairs[pair], draw: draw)
        }
        let all = [drawn(2, 1, 0), drawn(3, 1, 0), drawn(2, 2, 0), drawn(2, 1, 1)]
        #expect(Set(all).count == 4)
        for directions in all {
            #expect(directions.count == 4)
            #expect(directions == directions.sorted())
            #expect(directions.allSatisfy { (0..<16).contains($0) })
        }
        var seen = Set<Int>()
        for round in 1...20 as ClosedRange<UInt64> { seen.formUnion(drawn(2, round, 0)) }
        #expect(seen.count == 16)
    }

    @Test func `the outer momentum goes on where members stand still`() throws {
        let fixture = try AggregatorFixture("spectral") {
            $0.outerMomentum = 0.5
            $0.outerLearningRate = 0.8
        }
        let update = try fixture.update(fixture.delta(seed: 1, scale: 0.1), member: 2)
        let first = try fixture.round().aggregate([update], onto: fixture.base)
        let before = fixture.product(fixture.base)
        let change = sum([fixture.product(fixture.trained(update)), before], weights: [1, -1])
        // m = g; new = old + 0.8 (1 + 0.5) g
        let expected = sum([before, change], weights: [1, 1.2])
        #expect(distance(fixture.product(first.adapter), expected) < 1e-5)
        let still = try fixture.update(fixture.delta(seed: 1, scale: 0), member: 2, round: 2)
        let second = try fixture.round(2).aggregate([still], onto: first.adapter)
        let state = try ConsensusState(second.adapter, layout: fixture.layout)
        // m = 0.5 g; new = old + 0.8 x 0.5 x 0.5 g
        let next = sum([before, change], weights: [1, 1.4])
        #expect(distance(fixture.product(state.adapter), next) < 1e-5)
        let momentum = try #require(state.momentum)
        #expect(distance(fixture.product(momentum), change.map { $0 / 2 }) < 1e-5)
    }
}
