import Cryptography
import Tensors
import Testing

@testable import Federation

struct StateMixTests {
    private typealias Fixture = GossipFixture

    /// sum of share x effect over parts.
    private func dense(_ fixture: GossipFixture, _ parts: [StateMix.Part]) -> [Double] {
        var sum = [Double](repeating: 0, count: fixture.output * fixture.input + 5)
        for part in parts {
            guard case .tensors(let state) = part.state else { continue }
            sum = zip(sum, fixture.effect(state)).map { $0 + part.share * $1 }
        }
        return sum
    }

    @Test func `a wide enough rank gives the dense mean of products`() throws {
        // Two states of rank 2, padded to 4: their mean has rank 4.
        let fixture = try GossipFixture(rank: 4)
        var states = (1...2).map { fixture.state(seed: $0) }
        for index in states.indices {
            guard var a = states[index][Fixture.a] else { continue }
            for place in 2 * fixture.input..<a.values.count { a.values[place] = 0 }
            states[index].replace(Fixture.a, with: a)
        }
        let parts = [
            fixture.part(1, share: 0.25, states[0]), fixture.part(2, share: 0.75, states[1]),
        ]
        let mean = try fixture.mix.mean(of: parts, round: 3)
        let error = Fixture.difference(fixture.effect(mean.state), dense(fixture, parts))
        #expect(Fixture.norm(error) < 1e-5)
        #expect(mean.droppedEnergy < 1e-10)
    }

    @Test func `what a narrow rank drops is the best and is reported`() throws {
        let fixture = try GossipFixture(rank: 3, output: 8, input: 8)
        let parts = (1...4).map {
            fixture.part($0, share: 0.25, fixture.state(seed: UInt64($0)))
        }
        let mean = try fixture.mix.mean(of: parts, round: 3)
        let exact = dense(fixture, parts).dropLast(5)
        let error = Fixture.difference(fixture.effect(mean.state).dropLast(5), Array(exact))
        let ratio = Fixture.norm(error) / Fixture.norm(Array(exact))
        let share = ratio * ratio
        #expect(share > 0.01)
        #expect(abs(share - mean.droppedEnergy) < 1e-5)
    }

    @Test func `the factor mean averages every element`() throws {
        let fixture = try GossipFixture(FactorMean.name)
        let states = (1...3).map { fixture.state(seed: $0) }
        let parts = states.enumerated().map { fixture.part(UInt8($0 + 1), share: 1.0 / 3, $1) }
        let mean = try fixture.mix.mean(of: parts, round: 1).state
        for (index, element) in mean.elements.enumerated() {
            for place in element.tensor.values.indices {
                let expected =
                    states.reduce(0.0) {
                        $0 + Double($1.elements[index].tensor.values[place])
                    } / 3
                #expect(abs(Double(element.tensor.values[place]) - expected) < 1e-6)
            }
        }
    }

    @Test(arguments: [SpectralMean.name, FactorMean.name, FrozenInputMean.name])
    func `equal states keep their effect, a lone one its bytes, and order changes no byte`(
        aggregator: String
    ) throws {
        let fixture = try GossipFixture(aggregator)
        let state = fixture.state(seed: 5)
        let same = try fixture.mix.mean(
            of: (1...3).map { fixture.part($0, share: 1.0 / 3, state) }, round: 2)
        let error = Fixture.difference(fixture.effect(same.state), fixture.effect(state))
        #expect(Fixture.norm(error) < 1e-5)
        let lone = try fixture.mix.mean(
            of: [
                fixture.part(1, share: 0, fixture.state(seed: 6)), fixture.part(2, share: 1, state),
            ],
            round: 2)
        #expect(lone.state == state)
        let parts = (1...5).map { fixture.part($0, share: 0.2, fixture.state(seed: UInt64($0))) }
        let forth = try fixture.mix.mean(of: parts, round: 2).state
        let back = try fixture.mix.mean(of: parts.reversed(), round: 2).state
        #expect(AdapterStateCodec.encode(forth) == AdapterStateCodec.encode(back))
    }

    @Test func `the first adapters of a federation keep a slope in every direction`() throws {
        // B is 0 at the start: the mean has no singular value at all.
        let fixture = try GossipFixture()
        var state = fixture.state(seed: 1)
        state.replace(Fixture.b, with: FloatTensor(zeros: Shape([fixture.output, fixture.rank])))
        let parts = (1...2).map { fixture.part($0, share: 0.5, state) }
        let mean = try fixture.mix.mean(of: parts, round: 1).state
        let a = try #require(mean[Fixture.a])
        for direction in 0..<fixture.rank {
            let row = a.values[direction * fixture.input..<(direction + 1) * fixture.input]
            #expect(row.contains { abs($0) > 1e-3 })
        }
        #expect(mean[Fixture.b]?.values.allSatisfy { $0 == 0 } == true)
    }

    @Test func `other layouts and values that are not finite are refused`() throws {
        let fixture = try GossipFixture()
        let own = fixture.state(seed: 1)
        let bytes = StateObjectCodec.encode(
            own, manifest: fixture.manifest, round: 1, member: Fixtures.key(2).publicKey)
        let view = try StateView(bytes, layout: fixture.layout, byteCountMax: .max)
        let order = MixOrder(
            round: 1, member: Fixtures.key(1).publicKey, ownState: Fixtures.digest("own"),
            ownExampleCount: 4,
            inputs: [
                UpdateSummary(
                    objectID: Fixtures.digest("in"), member: Fixtures.key(2).publicKey, round: 1,
                    baseAdapterDigest: Fixtures.digest("base"), exampleCount: 4, byteCount: 9)
            ], memberCount: 2)
        let narrow = try GossipFixture(rank: 2).state(seed: 2)
        #expect(throws: RejectReason.updateShapeMismatch) {
            try fixture.mix.parts(of: order, own: narrow, inputs: [view])
        }
        var broken = own
        broken.replace(
            Fixture.lone, with: FloatTensor(shape: Shape([5]), values: [1, .nan, 0, 0, 0]))
        #expect(throws: RejectReason.updateNonFinite) {
            try fixture.mix.parts(of: order, own: broken, inputs: [view])
        }
        let parts = try fixture.mix.parts(of: order, own: own, inputs: [view])
        #expect(parts.map(\.share) == [0.5, 0.5])
    }

    @Test(arguments: WireForm.allCases)
    func `states that arrived are averaged as they are read`(form: WireForm) throws {
        let fixture = try GossipFixture(form: form)
        let states = (1...3).map { fixture.state(seed: $0) }
        var sources: [StateMix.Part] = []
        var decoded: [StateMix.Part] = []
        for (index, state) in states.enumerated() {
            let member = Fixtures.key(UInt8(index + 1)).publicKey
            let bytes = StateObjectCodec.encode(
                state, manifest: fixture.manifest, round: 1, member: member)
            let view = try StateView(bytes, layout: fixture.layout, byteCountMax: .max)
            let object = try StateObjectCodec.decode(
                bytes, layout: fixture.layout, byteCountMax: .max)
            sources.append(.init(member: member, share: 1.0 / 3, state: .object(view)))
            decoded.append(.init(member: member, share: 1.0 / 3, state: .tensors(object.state)))
        }
        let first = try fixture.mix.mean(of: sources, round: 1).state
        let second = try fixture.mix.mean(of: decoded, round: 1).state
        #expect(first == second)
    }
}

struct ConsensusDistanceTests {
    private typealias Fixture = GossipFixture

    @Test(arguments: 1...6)
    func `the Gram form is the root of the mean square of dense differences`(
        count: Int
    ) throws {
        let fixture = try GossipFixture()
        let states = (1...count).map { fixture.state(seed: UInt64($0)) }
        let effects = states.map(fixture.effect)
        let mean = effects[0].indices.map { place in
            effects.reduce(0) { $0 + $1[place] } / Double(count)
        }
        let squares = effects.map {
            let norm = Fixture.norm(Fixture.difference($0, mean))
            return norm * norm
        }
        let exact = (squares.reduce(0, +) / Double(count)).squareRoot()
        let measured = try ConsensusDistance(
            of: states.map { .tensors($0) }, layout: fixture.layout, memberCount: count)
        #expect(abs(measured.value - exact) < 1e-9)
        #expect(abs(measured.meanNorm - Fixture.norm(mean)) < 1e-9)
    }

    @Test func `equal products in other factors are no distance apart`() throws {
        let fixture = try GossipFixture()
        let state = fixture.state(seed: 3)
        var turned = state
        // 2 B and A / 2, and the first two directions exchanged.
        var a = try #require(state[Fixture.a])
        var b = try #require(state[Fixture.b])
        a.values = a.values.map { $0 / 2 }
        b.values = b.values.map { $0 * 2 }
        for input in 0..<fixture.input { a.values.swapAt(input, fixture.input + input) }
        for output in 0..<fixture.output {
            b.values.swapAt(output * fixture.rank, output * fixture.rank + 1)
        }
        turned.replace(Fixture.a, with: a)
        turned.replace(Fixture.b, with: b)
        let distance = try ConsensusDistance(
            of: [.tensors(state), .tensors(turned)], layout: fixture.layout, memberCount: 2)
        #expect(distance.value < 1e-6)
        #expect(distance.meanNorm > 1)
    }

    @Test func `a sample estimates the distance of all without bias`() throws {
        let fixture = try GossipFixture(rank: 1, output: 2, input: 2)
        let states = (1...12).map { fixture.state(seed: UInt64($0)) }
        let sources = states.map { StateSource.tensors($0) }
        let all = try ConsensusDistance(of: sources, layout: fixture.layout, memberCount: 12)
        var squares = 0.0
        var count = 0
        for first in states.indices {
            for second in first + 1..<states.count {
                for third in second + 1..<states.count {
                    let sample = [sources[first], sources[second], sources[third]]
                    let estimate = try ConsensusDistance(
                        of: sample, layout: fixture.layout, memberCount: 12)
                    squares += estimate.value * estimate.value
                    count += 1
                }
            }
        }
        #expect(abs(squares / Double(count) - all.value * all.value) < 1e-9)
    }

    @Test func `an own state that is not trained says nothing about the distance`() throws {
        let fixture = try GossipFixture()
        let inputs = [1, 2, 3].map { fixture.state(seed: $0) }
        let keys = [2, 3, 4].map { Fixtures.key($0).publicKey }
        let own = Fixtures.key(1).publicKey
        var parts = zip(keys, inputs).map { key, state in
            StateMix.Part(member: key, share: 1 / 3, state: .tensors(state))
        }
        let others = try ConsensusDistance(
            of: parts.map(\.state), layout: fixture.layout, memberCount: 9)
        parts.insert(.init(member: own, share: 0, state: .tensors(fixture.base)), at: 0)
        func distance(_ ownExampleCount: Int) throws -> ConsensusDistance {
            try ConsensusDistance(
                of: parts,
                order: MixOrder(
                    round: 1, member: own, ownState: Fixtures.digest("own"),
                    ownExampleCount: ownExampleCount, inputs: [], memberCount: 9),
                layout: fixture.layout)
        }
        #expect(try distance(0) == others)
        #expect(try distance(4).sampleCount == 4)
        #expect(try distance(4) != others)
    }

    @Test func `one state has no distance`() throws {
        let fixture = try GossipFixture()
        let distance = try ConsensusDistance(
            of: [.tensors(fixture.state(seed: 1))], layout: fixture.layout, memberCount: 9)
        #expect(distance.value == 0)
        #expect(distance.sampleCount == 1)
    }
}
