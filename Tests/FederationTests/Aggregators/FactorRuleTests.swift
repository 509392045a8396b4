import Cryptography
import Tensors
import Testing

@testable import Federation

/// What is particular to the rules that work on the factors.
struct FactorRuleTests {
    @Test func `a direction is averaged over those that hold it`() throws {
        let fixture = try AggregatorFixture("factor-mean")
        let small = try fixture.update(fixture.delta(seed: 1), member: 2, rank: 3, examples: 8)
        let large = try fixture.update(fixture.delta(seed: 2), member: 3, examples: 24)
        let aggregate = try fixture.round().aggregate([small, large], onto: fixture.base)
        let trained = [small, large].map { fixture.trained($0).elements[0].tensor.values }
        let values = aggregate.adapter.elements[0].tensor.values
        for element in values.indices {
            let expected =
                element / 10 < 3
                ? 0.25 * trained[0][element] + 0.75 * trained[1][element] : trained[1][element]
            #expect(abs(values[element] - expected) < 1e-6)
        }
    }

    @Test func `norm weights pad with zeros and follow the size of the product`() throws {
        let fixture = try AggregatorFixture("hetlora")
        let small = try fixture.update(
            fixture.delta(seed: 1), member: 2, rank: 3, examples: 64)
        let large = try fixture.update(fixture.delta(seed: 2), member: 3, examples: 1)
        let aggregate = try fixture.round().aggregate([small, large], onto: fixture.base)
        // The members' own models: the small one knows three directions.
        let start = try fixture.round().begin(
            fixture.base,
            selection: fixture.round().select(
                member: small.member, capacity: TrainingCapacity(rank: 3)))
        #expect(start.elements[0].tensor.values[30...].allSatisfy { $0 == 0 })
        #expect(
            start.elements[0].tensor.values[..<30] == fixture.base.elements[0].tensor.values[..<30])
        var padded = fixture.trained(small)
        for (index, width) in [(0, 30), (1, 0)] {
            var tensor = padded.elements[index].tensor
            for element in tensor.values.indices {
                let isCut = index == 0 ? element >= width : element % 8 >= 3
                if isCut { tensor.values[element] = 0 }
            }
            padded.replace(padded.elements[index].name, with: tensor)
        }
        let members = [padded, fixture.trained(large)]
        let norms = members.map { tensors in
            fixture.product(tensors).reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        let total = norms[0] + norms[1]
        for index in 0..<2 {
            let expected = sum(
                members.map { $0.elements[index].tensor.values.map(Double.init) },
                weights: norms.map { $0 / total })
            let values = aggregate.adapter.elements[index].tensor.values.map(Double.init)
            #expect(distance(values, expected) < 1e-6)
        }
    }

    @Test(arguments: ["ffa", "rolora"])
    func `the frozen half is not selected, and refused where it comes`(name: String) throws {
        let fixture = try AggregatorFixture(name)
        let whole = try AggregatorFixture("factor-mean")
        let key = Fixtures.key(2).publicKey
        for round in [1, 2] as [UInt64] {
            let frozen: AdapterFactor = name == "ffa" || round == 1 ? .input : .output
            let selection = fixture.round(round).select(
                member: key, capacity: TrainingCapacity(rank: 8))
            let names = selection.entries.map(\.name)
            #expect(names.count == 3)
            #expect(!names.contains { $0.contains(frozen.component) })
            let both = try whole.update(whole.delta(seed: 1), member: 2, round: round)
            #expect(throws: RejectReason.updateFrozenTensor) {
                try fixture.round(round).aggregate([both], onto: fixture.base)
            }
        }
    }

    @Test func `FedNova weighs each step alike`() throws {
        for name in ["factor-mean", "spectral"] {
            let fixture = try AggregatorFixture(name) { $0.normalizesSteps = true }
            // Two members move by the same per step, one of them twice as far.
            let slow = try fixture.update(fixture.delta(seed: 1, scale: 0.2), member: 2, steps: 4)
            let fast = try fixture.update(fixture.delta(seed: 1, scale: 0.4), member: 3, steps: 8)
            let aggregate = try fixture.round().aggregate([slow, fast], onto: fixture.base)
            // Mean steps 6: 6/4 of the slow one's change, 6/8 of the fast one's.
            let base = fixture.product(fixture.base)
            let changes = [slow, fast].map {
                sum([fixture.product(fixture.trained($0)), base], weights: [1, -1])
            }
            let lone = aggregate.adapter.elements[4].tensor.values
            let slowLone = fixture.trained(slow).elements[4].tensor.values
            for element in lone.indices {
                let old = fixture.base.elements[4].tensor.values[element]
                #expect(abs(lone[element] - old - 1.5 * (slowLone[element] - old)) < 1e-6)
            }
            guard name == "spectral" else { continue }
            let expected = sum([base] + changes, weights: [1, 0.75, 0.375])
            #expect(distance(fixture.product(aggregate.adapter), expected) < 1e-5)
        }
    }

    @Test func `Nesterov's step is that of the formula`() throws {
        let fixture = try AggregatorFixture("factor-mean") {
            $0.outerMomentum = 0.9
            $0.outerLearningRate = 0.7
        }
        var (value, momentum) = (Double(fixture.base.elements[4].tensor.values[0]), 0.0)
        var state = fixture.base
        for round in 1...4 as ClosedRange<UInt64> {
            let update = try fixture.update(
                fixture.delta(seed: round, scale: 0.2), member: 2, round: round)
            let deltas = HeldUpdates.deltas(of: update, manifest: fixture.manifest.manifest)
            let g = try #require(deltas[AggregatorFixture.lone]?[0])
            momentum = 0.9 * momentum + g
            value += 0.7 * (g + 0.9 * momentum)
            state = try fixture.round(round).aggregate([update], onto: state).adapter
            let read = try ConsensusState(state, layout: fixture.layout)
            #expect(abs(Double(read.adapter.elements[4].tensor.values[0]) - value) < 1e-5)
        }
        #expect(state.elements.count == 10)
    }
}
