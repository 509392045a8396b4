import Cryptography
import Tensors
import Testing

@testable import Federation

/// Self-centered clipping in the mean of a gossip round.
@Suite struct GossipClippingTests {
    private func fixture(radius: Double, liarCount: Int = 1) throws -> GossipFixture {
        try GossipFixture(
            FactorMean.name, normBound: 1000,
            robustness: .init(
                rule: .selfCenteredClipping, liarCount: liarCount, clipRadius: radius))
    }

    private func vector(_ state: NamedTensors) -> [Double] {
        state.elements.flatMap { $0.tensor.values.map(Double.init) }
    }

    private func own(_ fixture: GossipFixture, share: Double) -> StateMix.Part {
        .init(
            member: Fixtures.key(1).publicKey, share: share,
            state: .tensors(fixture.state(seed: 1)), isOwn: true)
    }

    @Test func `a node goes towards each of the others by its share of the radius at most`() throws
    {
        let fixture = try fixture(radius: 0.5)
        let states = [2, 3, 4].map { fixture.state(seed: $0, scale: $0 == 4 ? 1e6 : 1) }
        let parts =
            [own(fixture, share: 0.25)]
            + states.enumerated().map { fixture.part(UInt8($0 + 2), share: 0.25, $1) }
        let mean = try fixture.mix.mean(of: parts, round: 1).state
        let start = vector(fixture.state(seed: 1))
        var expected = start
        for state in states {
            let difference = GossipFixture.difference(vector(state), start)
            let norm = GossipFixture.norm(difference)
            #expect(norm > 0.5)
            for place in expected.indices {
                expected[place] += 0.25 * 0.5 / norm * difference[place]
            }
        }
        #expect(distance(vector(mean), expected) < 1e-5)
        let way = GossipFixture.norm(GossipFixture.difference(vector(mean), start))
        #expect(way <= 0.75 * 0.5 + 1e-5)
        // Any order, the same bytes.
        #expect(try fixture.mix.mean(of: parts.reversed(), round: 1).state == mean)
    }

    @Test func `within the radius it is the mean`() throws {
        let clipped = try fixture(radius: 500)
        let plain = try GossipFixture(FactorMean.name, normBound: 1000)
        let parts =
            [own(clipped, share: 0.5)]
            + [2, 3].map { clipped.part($0, share: 0.25, clipped.state(seed: UInt64($0))) }
        #expect(
            try clipped.mix.mean(of: parts, round: 1).state
                == plain.mix.mean(of: parts, round: 1).state)
    }

    @Test func `a radius of the distances bears as many liars as it is set for`() throws {
        let fixture = try fixture(radius: 0)
        func way(_ scale: Double) throws -> Double {
            let parts =
                [own(fixture, share: 0.25)]
                + [2, 3].map { fixture.part($0, share: 0.25, fixture.state(seed: UInt64($0))) }
                + [fixture.part(4, share: 0.25, fixture.state(seed: 4, scale: scale))]
            let mean = try fixture.mix.mean(of: parts, round: 1).state
            return GossipFixture.norm(
                GossipFixture.difference(vector(mean), vector(fixture.state(seed: 1))))
        }
        #expect(abs(try way(1e4) - way(1e8)) < 1e-3)
        #expect(try way(1e8) < 10)
    }

    @Test func `a node without a state of its own comes nearer in bounded steps`() throws {
        let fixture = try fixture(radius: 0.5)
        let parts = [
            own(fixture, share: 0), fixture.part(2, share: 0.5, fixture.state(seed: 2)),
            fixture.part(3, share: 0.5, fixture.state(seed: 3)),
        ]
        let mean = try fixture.mix.mean(of: parts, round: 1).state
        let way = GossipFixture.norm(
            GossipFixture.difference(vector(mean), vector(fixture.state(seed: 1))))
        #expect(way > 0.1 && way <= 0.5 + 1e-5)
    }
}
