import Cryptography
import Tensors
import Testing

@testable import Federation

/// Rules against liars in the place of the mean of a federation's rounds.
@Suite struct RobustMeanTests {
    typealias Settings = Manifest.RobustnessSettings

    static let rules = Settings.Rule.allCases.filter { $0 != .selfCenteredClipping }
    static let settings: [Settings] =
        rules.map { Settings(rule: $0) } + [
            Settings(rule: .trimmedMean, mixing: .nearestNeighbors),
            Settings(rule: .centeredClipping, mixing: .buckets),
            Settings(rule: .median, mixing: .buckets),
            Settings(rule: .multiKrum, mixing: .buckets),
            Settings(rule: .centeredClipping, clipRadius: 0.25),
        ]

    private func fixture(
        _ settings: Settings, _ aggregator: String = FactorMean.name, form: WireForm = .int8,
        normBound: Double = 100,
        _ change: (inout Manifest.AggregationSettings) -> Void = { _ in }
    ) throws -> AggregatorFixture {
        try AggregatorFixture(
            aggregator, form: form, normBound: normBound, quorum: settings.participantMinimum
        ) {
            $0.robustness = settings
            change(&$0)
        }
    }

    /// Nine members, of unequal rank, weight and steps; one holds the lone tensor alone.
    private func updates(
        _ fixture: AggregatorFixture, round: UInt64 = 1
    ) throws -> [AdapterUpdate] {
        try (2...10).map { (member: UInt8) in
            try fixture.update(
                fixture.delta(seed: UInt64(member)), member: member,
                rank: [2, 8, 5][Int(member) % 3],
                held: member == 4 ? [AggregatorFixture.lone] : nil,
                examples: 1 + Int(member) * 7 % 64, steps: 1 + Int(member) % 8, round: round)
        }
    }

    /// What a rule comes to on whole vectors of changes, by another way.
    private func expected(
        _ fixture: AggregatorFixture, _ settings: Settings, _ updates: [AdapterUpdate]
    ) throws -> [Double] {
        let inputs = updates.map { update in
            let deltas = HeldUpdates.deltas(of: update, manifest: fixture.manifest.manifest)
            var values: [Double] = []
            for entry in fixture.layout.entries {
                var whole = [Double](repeating: 0, count: entry.shape.elementCount)
                update[entry.name]?.held.forEach { element, place, _ in
                    whole[place] = deltas[entry.name]?[element] ?? 0
                }
                values += whole
            }
            return RobustAggregation.Input(id: update.member.bytes, values: values)
        }
        let digest = HeldUpdates.digest(
            manifest: fixture.manifest.manifest,
            updates: updates.sorted { $0.member < $1.member }.map {
                ($0.member, ContentAddress.id(of: AdapterUpdateCodec.encode($0)))
            })
        return try settings.aggregation(
            participantCount: updates.count,
            normBound: fixture.manifest.manifest.normBound, seed: digest.leadingInteger
        ).aggregate(inputs)
    }

    private func change(_ aggregate: Aggregate, from base: NamedTensors) -> [Double] {
        zip(aggregate.adapter.elements, base.elements).flatMap { new, old in
            zip(new.tensor.values, old.tensor.values).map { Double($0) - Double($1) }
        }
    }

    @Test(arguments: settings)
    func `a round comes to what the rule makes of whole changes`(settings: Settings) throws {
        let fixture = try fixture(settings)
        let updates = try updates(fixture)
        let aggregate = try fixture.round().aggregate(updates, onto: fixture.base)
        let change = change(aggregate, from: fixture.base)
        #expect(distance(change, try expected(fixture, settings, updates)) < 1e-6)
        #expect(change.contains { abs($0) > 1e-3 })
        for order in [updates.reversed(), Array(updates[5...] + updates[..<5])] {
            #expect(try fixture.round().aggregate(order, onto: fixture.base) == aggregate)
        }
    }

    @Test(arguments: settings, [1, 100, 1_000_000])
    func `parts of any size give the bytes of the whole`(settings: Settings, limit: Int) throws {
        for aggregator in [FactorMean.name, AlternatingMean.name] {
            let fixture = try fixture(settings, aggregator) { $0.outerMomentum = 0.5 }
            let updates = try updates(fixture)
            let expected = try fixture.round().aggregate(updates, onto: fixture.base)
            let objects = updates.map { update in
                let bytes = AdapterUpdateCodec.encode(update)
                return (summary: update.summary(bytes: bytes), bytes: bytes)
            }
            var sum = try RoundSum(
                fixture.round(), base: AdapterStateCodec.encode(fixture.base),
                participants: objects.map(\.summary), elementCountMax: limit)
            var passCount = 0
            while sum.needsPass {
                for object in passCount % 2 == 0 ? objects : objects.reversed() {
                    try sum.add(object.bytes)
                }
                try sum.endPass()
                passCount += 1
            }
            #expect(sum.aggregate == expected)
            let measures = RobustDistances.areNeeded(settings)
            #expect(passCount == (limit > 1_000 ? 1 : measures ? 6 : 3))
        }
    }

    @Test(arguments: settings)
    func `equal updates give that update`(settings: Settings) throws {
        let fixture = try fixture(settings, form: .ring32)
        let delta = fixture.delta(seed: 5)
        let updates = try (2...10).map { try fixture.update(delta, member: $0) }
        let aggregate = try fixture.round().aggregate(updates, onto: fixture.base)
        let whole = delta.elements.flatMap { $0.tensor.values.map(Double.init) }
        #expect(distance(change(aggregate, from: fixture.base), whole) < 1e-5)
    }

    /// One liar of nine pulls everything up by as much as the bounds allow.
    @Test(arguments: settings)
    func `a liar at the norm bound moves a rule less than the mean`(settings: Settings) throws {
        let fixture = try fixture(settings, normBound: 8)
        let mean = try AggregatorFixture(FactorMean.name, form: .int8, normBound: 8)
        func changes(_ fixture: AggregatorFixture, lies: Bool) throws -> [Double] {
            let common = fixture.delta(seed: 1, scale: 0.1)
            let updates = try (2...10).map { (member: UInt8) in
                let own = fixture.delta(seed: UInt64(member), scale: 0.02)
                let isLiar = lies && member == 6
                return try fixture.update(
                    NamedTensors(
                        zip(common.elements, own.elements).map { shared, own in
                            .init(
                                name: shared.name,
                                tensor: FloatTensor(
                                    shape: shared.tensor.shape,
                                    values: zip(shared.tensor.values, own.tensor.values).map {
                                        isLiar ? 10 : $0 + $1
                                    }))
                        }), member: member)
            }
            return change(
                try fixture.round().aggregate(updates, onto: fixture.base), from: fixture.base)
        }
        func shift(_ fixture: AggregatorFixture) throws -> Double {
            let (lied, honest) = (
                try changes(fixture, lies: true), try changes(fixture, lies: false)
            )
            return zip(lied, honest).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        let moved = try shift(fixture)
        let meanMoved = try shift(mean)
        // A ninth of 8.
        #expect(abs(meanMoved - 8.0 / 9) < 0.1)
        #expect(moved < 0.15, "\(settings.rule) \(settings.mixing): \(moved)")
    }

    @Test func `a tensor that one member alone trains stays as it was under the median`() throws {
        let fixture = try fixture(Settings(rule: .median))
        let updates = try (2...6).map { (member: UInt8) in
            try fixture.update(
                fixture.delta(seed: UInt64(member)), member: member,
                held: member == 2 ? nil : [AggregatorFixture.lone])
        }
        let next = try fixture.round().aggregate(updates, onto: fixture.base).adapter
        for index in 0..<4 { #expect(next.elements[index] == fixture.base.elements[index]) }
        #expect(next.elements[4] != fixture.base.elements[4])
    }

    @Test func `too few updates are no round of a rule`() throws {
        let fixture = try fixture(Settings(rule: .krum))
        let updates = try Array(updates(fixture).prefix(4))
        #expect(throws: RejectReason.proposalInvalid) {
            try fixture.round().aggregate(updates, onto: fixture.base)
        }
    }

    @Test func `what breaks the bounds never reaches a rule`() throws {
        let fixture = try fixture(Settings(rule: .median), form: .ring32, normBound: 1)
        var sum = fixture.round().makeAggregator()
        let good = try fixture.update(fixture.delta(seed: 1), member: 2)
        func changed(_ words: (AdapterUpdate.RingTensor) -> [UInt32]) -> AdapterUpdate {
            AdapterUpdate(
                manifestDigest: good.manifestDigest, round: 1,
                baseAdapterDigest: good.baseAdapterDigest, member: good.member,
                exampleCount: good.exampleCount, stepCount: good.stepCount,
                tensors: good.tensors.map {
                    .init(
                        name: $0.name, held: $0.held, weight: $0.weight, form: $0.form,
                        steps: $0.steps, words: words($0))
                })
        }
        // Each element within its clip, all of them beyond the norm.
        #expect(throws: RejectReason.updateNormExceeded) {
            try sum.add(changed { $0.words.map { _ in 1 << 21 } })
        }
        #expect(throws: RejectReason.updateRingOverflow) {
            try sum.add(changed { $0.words.map { _ in 1 << 31 } })
        }
        var feedback = ErrorFeedback(layout: fixture.layout)
        var generator = SplitMix64(seed: 1)
        for value in [Float.nan, .infinity] {
            var delta = fixture.delta(seed: 1)
            var tensor = try #require(delta[AggregatorFixture.lone])
            tensor.values[3] = value
            delta.replace(AggregatorFixture.lone, with: tensor)
            #expect(throws: RejectReason.updateNonFinite) {
                try UpdateQuantizer(manifest: fixture.manifest).quantize(
                    .init(
                        delta: delta,
                        selection: fixture.round().select(
                            member: good.member, capacity: TrainingCapacity(rank: 8)),
                        exampleCount: 64, stepCount: 8),
                    round: 1, base: Fixtures.digest("base"), member: good.member,
                    feedback: &feedback, using: &generator)
            }
        }
        try sum.add(good)
    }

    /// Another machine, optimisation level or release has to come to the same bytes.
    @Test(arguments: rules)
    func `known updates give known bytes`(rule: Settings.Rule) throws {
        let fixture = try fixture(Settings(rule: rule)) { $0.outerMomentum = 0.9 }
        let aggregate = try fixture.round().aggregate(try updates(fixture), onto: fixture.base)
        let digest = AdapterStateCodec.digest(of: aggregate.adapter).hexadecimal
        #expect(digest.prefix(16) == Self.known[rule] ?? "", "\(rule): \(digest)")
    }

    static let known: [Settings.Rule: String] = [
        .median: "9c212cfd7f18ce3e", .trimmedMean: "c885cd4d8b1f68d2",
        .krum: "f6a72688d1d92929", .multiKrum: "64cd443383bf3487",
        .geometricMedian: "0166ec86c02619b8", .centeredClipping: "79981ef22d513e88",
    ]
}
