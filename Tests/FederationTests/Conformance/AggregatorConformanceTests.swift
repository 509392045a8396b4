import Cryptography
import Tensors
import Testing

@testable import Federation

/// What every registered aggregator is held to, and what some claim beyond it.
struct AggregatorConformanceTests {
    private static let names = AggregatorRegistry.names
    private static let rounds: [UInt64] = [1, 2]

    private func claims(_ name: String) throws -> AggregatorClaims {
        try #require(AggregatorRegistry.all[name]).claims
    }

    private func mixed(
        _ fixture: AggregatorFixture, round: UInt64
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

    @Test(arguments: names, rounds)
    func `updates in any order give the same bytes, twice`(name: String, round: UInt64) throws {
        for form in WireForm.allCases {
            let fixture = try AggregatorFixture(name, form: form) { $0.outerMomentum = 0.5 }
            let updates = try mixed(fixture, round: round)
            let step = fixture.round(round)
            let first = try step.aggregate(updates, onto: fixture.base)
            #expect(try step.aggregate(updates, onto: fixture.base) == first)
            #expect(try step.aggregate(updates.reversed(), onto: fixture.base) == first)
            #expect(
                try step.aggregate(
                    [updates[2], updates[0], updates[3], updates[1]], onto: fixture.base)
                    == first)
            #expect(first.adapter.elements.count == 10)
            #expect(
                AdapterStateCodec.digest(of: first.adapter)
                    != AdapterStateCodec.digest(of: fixture.base))
            // The next round goes on from what came out.
            let next = try fixture.round(round).aggregate(updates, onto: first.adapter)
            #expect(next.adapter.hasSameLayout(as: first.adapter))
        }
    }

    @Test(arguments: names)
    func `a base that is not finite is refused`(name: String) throws {
        let fixture = try AggregatorFixture(name)
        let updates = try mixed(fixture, round: 1)
        for value in [Float.nan, .infinity] {
            var base = fixture.base
            for element in base.elements {
                var tensor = element.tensor
                tensor.values[0] = value
                base = fixture.base
                base.replace(element.name, with: tensor)
                #expect(throws: RejectReason.updateNonFinite) {
                    try fixture.round().aggregate(updates, onto: base)
                }
            }
        }
    }

    @Test(arguments: names)
    func `updates and bases of another layout are refused and leave the sum as it was`(
        name: String
    ) throws {
        let fixture = try AggregatorFixture(name)
        let updates = try mixed(fixture, round: 1)
        var aggregator = fixture.round().makeAggregator()
        try aggregator.add(updates[0])
        let before = try aggregator.finish(base: fixture.base)
        let other = try AggregatorFixture(name, output: 7)
        let foreign = try other.update(other.delta(seed: 1), member: 6)
        #expect(throws: RejectReason.updateShapeMismatch) { try aggregator.add(foreign) }
        #expect(try aggregator.finish(base: fixture.base) == before)
        #expect(throws: RejectReason.updateShapeMismatch) {
            try aggregator.finish(base: other.base)
        }
        #expect(throws: RejectReason.updateShapeMismatch) {
            try aggregator.finish(base: NamedTensors(Array(fixture.base.elements.prefix(4))))
        }
    }

    @Test(arguments: names, rounds)
    func `equal updates give that update as claimed`(name: String, round: UInt64) throws {
        let fixture = try AggregatorFixture(name)
        let claims = try claims(name)
        let delta = fixture.delta(seed: 5)
        let updates = try (2...6).map { try fixture.update(delta, member: $0, round: round) }
        let aggregate = try fixture.round(round).aggregate(updates, onto: fixture.base)
        let trained = fixture.trained(updates[0])
        if claims.contains(.keepsEqualFactors) { expectEqualFactors(aggregate.adapter, trained) }
        #expect(claims.contains(.keepsEqualProducts))
        for pair in 0..<2 {
            #expect(
                distance(
                    fixture.product(aggregate.adapter, pair: pair),
                    fixture.product(trained, pair: pair)) < 2e-6)
        }
        #expect(
            distance(
                fixture.product(aggregate.adapter), fixture.product(fixture.base)) > 0.01)
    }

    @Test(arguments: names, rounds)
    func `what one member alone holds comes back as that member trained it`(
        name: String, round: UInt64
    ) throws {
        let fixture = try AggregatorFixture(name)
        let claims = try claims(name)
        #expect(claims.contains(.returnsLoneMember))
        let second: Set = [
            AggregatorFixture.second, "layers.1.q_proj.lora_B.weight", AggregatorFixture.lone,
        ]
        let updates = try [
            fixture.update(fixture.delta(seed: 6), member: 4, examples: 3, round: round),
            fixture.update(fixture.delta(seed: 7), member: 2, held: second, round: round),
            fixture.update(fixture.delta(seed: 8), member: 7, held: second, round: round),
        ]
        let aggregate = try fixture.round(round).aggregate(updates, onto: fixture.base)
        let trained = fixture.trained(updates[0])
        #expect(
            distance(fixture.product(aggregate.adapter), fixture.product(trained)) < 1e-5)
        #expect(
            distance(
                fixture.product(aggregate.adapter, pair: 1),
                fixture.product(trained, pair: 1)) > 0.01)
        // Nobody holds anything but the lone tensor: the pairs stay bit for bit.
        let loneOnly = try fixture.update(
            fixture.delta(seed: 9), member: 2, held: [AggregatorFixture.lone], round: round)
        let still = try fixture.round(round).aggregate([loneOnly], onto: fixture.base)
        for index in 0..<4 {
            #expect(still.adapter.elements[index] == fixture.base.elements[index])
        }
        #expect(still.adapter.elements[4] != fixture.base.elements[4])
    }

    @Test(arguments: names, rounds)
    func `products are averaged by examples as claimed`(name: String, round: UInt64) throws {
        // The rank that travels is above both sides of the product, so nothing is cut.
        let fixture = try AggregatorFixture(name)
        let claims = try claims(name)
        let updates = try [
            fixture.update(fixture.delta(seed: 1), member: 2, examples: 64, round: round),
            fixture.update(fixture.delta(seed: 2), member: 3, examples: 16, round: round),
            fixture.update(fixture.delta(seed: 3), member: 4, examples: 32, round: round),
        ]
        let aggregate = try fixture.round(round).aggregate(updates, onto: fixture.base)
        let products = updates.map { fixture.product(fixture.trained($0)) }
        let mean = sum(products, weights: [64.0 / 112, 16.0 / 112, 32.0 / 112])
        let error = distance(fixture.product(aggregate.adapter), mean)
        if claims.isSuperset(of: [.averagesProducts, .weighsExamples]) {
            #expect(error < 1e-5)
        } else {
            // Else the claim is missing from the aggregator's file.
            #expect(error > 1e-3)
        }
    }

    @Test(arguments: ["hetlora", "spectral", "spectral-sketch"])
    func `a second update of one member is refused`(name: String) throws {
        let fixture = try AggregatorFixture(name)
        let updates = try mixed(fixture, round: 1)
        var aggregator = fixture.round().makeAggregator()
        try aggregator.add(updates[0])
        #expect(throws: RejectReason.equivocation) { try aggregator.add(updates[0]) }
    }

    /// Digests of known sums: another machine, another optimisation level or another release has to
    /// come to the same.
    @Test(arguments: names)
    func `known updates give known bytes`(name: String) throws {
        let fixture = try AggregatorFixture(name, form: .int8) {
            $0.outerMomentum = 0.9
            $0.outerLearningRate = 0.7
            $0.normalizesSteps = true
        }
        let aggregate = try fixture.round().aggregate(
            try mixed(fixture, round: 1), onto: fixture.base)
        let digest = AdapterStateCodec.digest(of: aggregate.adapter).hexadecimal
        #expect(digest.prefix(16) == Self.known[name] ?? "", "\(name): \(digest)")
    }

    static let known = [
        "factor-mean": "bc9a00e0e1f20029", "ffa": "762ffb595b426bb0",
        "hetlora": "e14c43d27af54458", "rolora": "762ffb595b426bb0",
        "spectral": "21c0d04c68f6b0a3", "spectral-sketch": "181c3b88d092c639",
    ]

    private func expectEqualFactors(_ left: NamedTensors, _ right: NamedTensors) {
        for (one, other) in zip(left.elements, right.elements) {
            #expect(
                distance(
                    one.tensor.values.map(Double.init), other.tensor.values.map(Double.init))
                    < 1e-6)
        }
    }
}
