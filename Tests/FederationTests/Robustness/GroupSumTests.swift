import Cryptography
import Tensors
import Testing

@testable import Federation

/// Sums of groups as objects, and the rule across their means.
@Suite struct GroupSumTests {
    typealias Settings = Manifest.RobustnessSettings

    static let size = 3
    static let rules: [Settings.Rule] = [.centeredClipping, .median, .trimmedMean]

    /// A federation of at least three groups of three, with members 2 to 16.
    private func fixture(
        _ rule: Settings.Rule = .centeredClipping, _ aggregator: String = FactorMean.name,
        liarCount: Int = 1, normBound: Double = 100, momentum: Double = 0
    ) throws -> AggregatorFixture {
        let settings = Settings(
            rule: rule, liarCount: liarCount, groupMemberCount: Self.size)
        return try AggregatorFixture(
            aggregator, normBound: normBound, quorum: 15, secure: .init(memberMinimum: 3)
        ) {
            $0.robustness = settings
            $0.outerMomentum = momentum
        }
    }

    private func object(
        _ fixture: AggregatorFixture, _ updates: [AdapterUpdate], round: UInt64 = 1
    ) throws -> GroupSum {
        let vector = fixture.round(round).secureVector
        var words = [UInt32](repeating: 0, count: vector.elementCount)
        for update in updates {
            for (place, word) in try vector.words(of: update).enumerated() {
                words[place] &+= word
            }
        }
        let members = updates.map(\.member).sorted()
        let weight = UInt32(updates.reduce(0) { $0 + $1.exampleCount })
        return GroupSum(
            manifestDigest: fixture.manifest.digest, round: round,
            baseAdapterDigest: Fixtures.digest("base"), members: members,
            sum: SecureSum(
                participants: members, words: words, weight: weight,
                digest: GroupSum.totalDigest(of: words, weight: weight)))
    }

    /// Groups of three: 2, 3, 4 and so on.
    private func updates(
        _ fixture: AggregatorFixture, groups: Int = 5, round: UInt64 = 1,
        delta: (Int) -> NamedTensors
    ) throws -> [[AdapterUpdate]] {
        try (0..<groups).map { group in
            try (0..<Self.size).map { place in
                let member = 2 + group * Self.size + place
                return try fixture.update(
                    delta(member), member: UInt8(member), rank: [2, 8, 5][member % 3],
                    examples: 1 + member * 3, round: round)
            }
        }
    }

    private func aggregate(
        _ fixture: AggregatorFixture, _ objects: [GroupSum], round: UInt64 = 1
    ) throws -> Aggregate {
        // Each object once for every member of its group, as announcements come.
        let items = objects.flatMap { object in
            let bytes = object.bytes
            return object.members.map { member in
                (
                    summary: GroupSum.summary(
                        of: bytes, member: member, round: round,
                        base: object.baseAdapterDigest), bytes: bytes
                )
            }
        }.sorted { $0.summary.member < $1.summary.member }
        var sum = try RoundSum(
            fixture.round(round), base: AdapterStateCodec.encode(fixture.base),
            participants: items.map(\.summary))
        while sum.needsPass {
            for item in items { try sum.add(item.bytes) }
            try sum.endPass()
        }
        return sum.aggregate
    }

    private func change(_ aggregate: Aggregate, from base: NamedTensors) throws -> [Double] {
        let state = try ConsensusState(
            aggregate.adapter, layout: AdapterLayout(of: base))
        return zip(state.adapter.elements, base.elements).flatMap { new, old in
            zip(new.tensor.values, old.tensor.values).map { Double($0) - Double($1) }
        }
    }

    /// What one group alone moves the adapter by: its mean, by the plain way.
    private func mean(
        _ fixture: AggregatorFixture, of updates: [AdapterUpdate]
    ) throws -> [Double] {
        let sum = try object(fixture, updates)
        let plain = try AggregatorFixture(FactorMean.name, normBound: 100)
        let aggregate = try plain.round().aggregate(sum.sum, onto: plain.base)
        return try change(aggregate, from: fixture.base)
    }

    @Test(arguments: rules)
    func `the next adapter is what the rule makes of the groups' means`(
        rule: Settings.Rule
    ) throws {
        let fixture = try fixture(rule)
        let updates = try updates(fixture) { fixture.delta(seed: UInt64($0)) }
        let objects = try updates.map { try object(fixture, $0) }
        let found = try aggregate(fixture, objects)
        let settings = try #require(fixture.manifest.manifest.aggregation.robustness)
        let expected = try settings.aggregation(
            participantCount: 5, normBound: 100, seed: 0
        ).aggregate(
            zip(objects, updates).map { object, updates in
                .init(id: object.members[0].bytes, values: try mean(fixture, of: updates))
            })
        #expect(distance(try change(found, from: fixture.base), expected) < 1e-6)
        #expect(try aggregate(fixture, objects.reversed()) == found)
        // Another round trains on from it, with the momentum beside it.
        let later = try self.fixture(rule, AlternatingMean.name, momentum: 0.5)
        let even = try self.updates(later, round: 2) { later.delta(seed: UInt64($0)) }
        let next = try aggregate(later, even.map { try object(later, $0, round: 2) }, round: 2)
        #expect(next.adapter.elements.count == 10)
    }

    @Test func `two groups are too few to bear one that lies`() throws {
        let fixture = try fixture(.trimmedMean)
        let updates = try updates(fixture, groups: 2) { fixture.delta(seed: UInt64($0)) }
        #expect(throws: RejectReason.proposalInvalid) {
            try aggregate(fixture, updates.map { try object(fixture, $0) })
        }
    }

    /// All liars in one group, at the norm bound: what the bound leaves them the rule takes away.
    @Test(arguments: rules)
    func `a captured group moves the adapter far less than the mean of groups would`(
        rule: Settings.Rule
    ) throws {
        let fixture = try fixture(rule, normBound: 8)
        let common = fixture.delta(seed: 1, scale: 0.1)
        func changes(captured: Bool) throws -> [Double] {
            let updates = try updates(fixture) { member in
                let own = fixture.delta(seed: UInt64(member), scale: 0.02)
                return NamedTensors(
                    zip(common.elements, own.elements).map { shared, own in
                        .init(
                            name: shared.name,
                            tensor: FloatTensor(
                                shape: shared.tensor.shape,
                                values: zip(shared.tensor.values, own.tensor.values).map {
                                    captured && member < 5 ? 10 : $0 + $1
                                }))
                    })
            }
            return try change(
                try aggregate(fixture, updates.map { try object(fixture, $0) }),
                from: fixture.base)
        }
        let difference = zip(try changes(captured: true), try changes(captured: false)).reduce(0) {
            $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }.squareRoot()
        // A fifth of a mean of up to 8; the honest means differ by about 0.1.
        #expect(difference < 0.2, "\(rule): \(difference)")
    }

    @Test func `one member's input beyond its bounds costs its group, and no other`() throws {
        let fixture = try fixture(normBound: 1)
        let updates = try updates(fixture) { fixture.delta(seed: UInt64($0), scale: 0.05) }
        let good = try object(fixture, updates[0])
        func changed(_ change: (inout [UInt32]) -> Void) -> GroupSum {
            var words = good.words
            change(&words)
            return GroupSum(
                manifestDigest: good.manifestDigest, round: 1,
                baseAdapterDigest: good.baseAdapterDigest, members: good.members,
                sum: SecureSum(
                    participants: good.participants, words: words, weight: good.weight,
                    digest: good.sum.digest))
        }
        func refusal(_ sum: GroupSum) -> RejectReason? {
            let verdict = UpdateInspector.check(
                sum.bytes, manifest: fixture.manifest, layout: fixture.layout, round: 1,
                base: Fixtures.digest("base"), member: good.members[0])
            guard case .failure(let reason) = verdict else { return nil }
            return reason
        }
        #expect(refusal(good) == nil)
        // What an input near 2^31 or garbage under the masks leaves in the sum.
        #expect(refusal(changed { $0[3] &+= 1 << 31 - 1 }) == .updateRingOverflow)
        var generator = SplitMix64(seed: 5)
        #expect(
            refusal(
                changed { words in
                    for place in words.indices {
                        words[place] = UInt32(truncatingIfNeeded: generator.next())
                    }
                }) != nil)
        // Every element within its clip, the whole beyond the norm.
        // Some directions are one member's alone, whose weight is 13.
        let half = UInt32(13) << 21 / 64
        let count = fixture.layout.elementCount
        #expect(
            refusal(changed { for place in 0..<count { $0[place] = half } })
                == .updateNormExceeded)
        // The others are what they were.
        let rest = try updates[1...].map { try object(fixture, $0) }
        for sum in rest { #expect(refusal(sum) == nil) }
        _ = try aggregate(fixture, rest)
    }

    @Test func `an object of another round, base, federation or roster is refused`() throws {
        let fixture = try fixture()
        let updates = try updates(fixture) { fixture.delta(seed: UInt64($0)) }
        let good = try object(fixture, updates[0])
        let member = good.members[0]
        func refusal(
            _ sum: GroupSum, round: UInt64 = 1, base: Digest = Fixtures.digest("base")
        ) -> RejectReason? {
            let verdict = UpdateInspector.check(
                sum.bytes, manifest: fixture.manifest, layout: fixture.layout, round: round,
                base: base, member: member)
            guard case .failure(let reason) = verdict else { return nil }
            return reason
        }
        func changed(
            manifest: Digest? = nil, members: [PublicKey]? = nil,
            participants: [PublicKey]? = nil
        ) -> GroupSum {
            GroupSum(
                manifestDigest: manifest ?? good.manifestDigest, round: 1,
                baseAdapterDigest: good.baseAdapterDigest, members: members ?? good.members,
                sum: SecureSum(
                    participants: participants ?? good.participants, words: good.words,
                    weight: good.weight, digest: good.sum.digest))
        }
        #expect(refusal(good, round: 2) == .updateWrongRound)
        #expect(refusal(good, base: Fixtures.digest("other")) == .updateWrongBase)
        #expect(
            refusal(changed(manifest: Fixtures.digest("other"))) == .manifestMismatch)
        #expect(refusal(changed(members: good.members.reversed())) == .malformed)
        #expect(refusal(changed(members: Array(good.members.prefix(2)))) == .malformed)
        #expect(refusal(changed(participants: Array(good.members.prefix(2)))) == .malformed)
        #expect(
            refusal(changed(participants: [Fixtures.key(99).publicKey] + good.members.dropLast()))
                == .malformed)
    }

    @Test func `bytes are read back to the same object, and no others trap`() throws {
        let fixture = try fixture()
        let updates = try updates(fixture) { fixture.delta(seed: UInt64($0)) }
        let sum = try object(fixture, updates[1])
        let bytes = sum.bytes
        #expect(try GroupSum(bytes: bytes, byteCountMax: bytes.count) == sum)
        #expect(bytes.count <= fixture.manifest.manifest.updateByteCountMax)
        #expect(throws: RejectReason.updateTooLarge) {
            try GroupSum(bytes: bytes, byteCountMax: bytes.count - 1)
        }
        for count in 0..<400 {
            #expect(throws: RejectReason.malformed) {
                try GroupSum(bytes: Array(bytes.prefix(count)), byteCountMax: .max)
            }
        }
        var generator = SplitMix64(seed: 3)
        for _ in 0..<2000 {
            var changed = bytes
            changed[generator.number(below: min(bytes.count, 400))] ^=
                UInt8(1 + generator.number(below: 255))
            if let read = try? GroupSum(bytes: changed, byteCountMax: .max) {
                #expect(read.bytes == changed)
            }
        }
    }
}
