import Cryptography
import Tensors
import Testing

@testable import Federation

struct StateObjectTests {
    private let member = Fixtures.key(2).publicKey

    private func bytes(
        _ fixture: GossipFixture, _ state: NamedTensors, round: UInt64 = 1
    ) -> [UInt8] {
        StateObjectCodec.encode(state, manifest: fixture.manifest, round: round, member: member)
    }

    private func decoded(_ fixture: GossipFixture, _ bytes: [UInt8]) throws -> StateObject {
        try StateObjectCodec.decode(bytes, layout: fixture.layout, byteCountMax: .max)
    }

    @Test func `whole floats come back to the bit`() throws {
        let fixture = try GossipFixture(form: .ring32)
        let state = fixture.state(seed: 1)
        let object = try decoded(fixture, bytes(fixture, state))
        #expect(object.state == state)
        #expect(object.member == member)
        #expect(object.round == 1)
        #expect(object.manifestDigest == fixture.manifest.digest)
    }

    @Test(arguments: [(WireForm.int8, 127.0), (.int4, 7.0)])
    func `short forms are off by less than a step and right in the mean`(
        form: WireForm, magnitude: Double
    ) throws {
        let fixture = try GossipFixture(form: form)
        let state = fixture.state(seed: 1)
        var sums = state.elements.map { $0.tensor.values.map { _ in 0.0 } }
        let count = 400
        for round in 1...UInt64(count) {
            let read = try decoded(fixture, bytes(fixture, state, round: round)).state
            for (index, element) in read.elements.enumerated() {
                for (place, value) in element.tensor.values.enumerated() {
                    let exact = state.elements[index].tensor.values[place]
                    // No direction's greatest element is above 1.
                    #expect(abs(Double(value - exact)) <= 1.0001 / magnitude)
                    sums[index][place] += Double(value - exact)
                }
            }
        }
        // Half a step of deviation at most, over the root of the rounds, five times.
        let leeway = 5 * 0.5 / magnitude / Double(count).squareRoot()
        let greatest = sums.joined().map { abs($0) / Double(count) }.max() ?? 1
        #expect(greatest < leeway)
    }

    @Test(arguments: WireForm.allCases)
    func `the same state and round and member give the same bytes within the bound`(
        form: WireForm
    ) throws {
        let fixture = try GossipFixture(form: form)
        let state = fixture.state(seed: 1)
        let first = bytes(fixture, state)
        #expect(first == bytes(fixture, state))
        let other = bytes(fixture, state, round: 2)
        #expect(first != other)
        #expect(first.count == StateObjectCodec.byteCount(of: fixture.layout, form: form))
    }

    @Test(arguments: WireForm.allCases)
    func `no truncation or changed byte traps`(form: WireForm) throws {
        let fixture = try GossipFixture(form: form)
        let whole = bytes(fixture, fixture.state(seed: 1))
        for count in 0..<whole.count {
            #expect(throws: RejectReason.self) {
                try decoded(fixture, Array(whole.prefix(count)))
            }
        }
        #expect(throws: RejectReason.malformed) { try decoded(fixture, whole + [0]) }
        for index in whole.indices {
            for flip in [0x01, 0x80, 0xFF] as [UInt8] {
                var changed = whole
                changed[index] ^= flip
                let object = try? decoded(fixture, changed)
                let values = object?.state.elements.flatMap(\.tensor.values) ?? []
                #expect(values.allSatisfy { $0.isFinite })
            }
        }
    }

    @Test func `zeros and numbers at the edge of Float survive`() throws {
        let fixture = try GossipFixture(form: .int8)
        var state = fixture.state(seed: 1)
        state.replace(
            GossipFixture.lone,
            with: FloatTensor(
                shape: Shape([5]),
                values: [0, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -1]))
        let read = try decoded(fixture, bytes(fixture, state)).state
        #expect(read[GossipFixture.lone]?.values[0] == 0)
        #expect(read.elements.allSatisfy { $0.tensor.values.allSatisfy { $0.isFinite } })
        state.replace(GossipFixture.lone, with: FloatTensor(zeros: Shape([5])))
        let zeros = try decoded(fixture, bytes(fixture, state)).state
        #expect(zeros[GossipFixture.lone]?.values == [0, 0, 0, 0, 0])
    }

    // The inspector.

    private func announced(
        _ fixture: GossipFixture, _ bytes: [UInt8], round: UInt64 = 1, member: PublicKey? = nil
    ) -> UpdateSummary {
        UpdateSummary(
            objectID: ContentAddress.id(of: bytes), member: member ?? self.member, round: round,
            baseAdapterDigest: Fixtures.digest("base"), exampleCount: 8, byteCount: bytes.count)
    }

    private func reason(
        _ fixture: GossipFixture, _ bytes: [UInt8], _ announced: UpdateSummary
    ) -> RejectReason? {
        do throws(RejectReason) {
            try fixture.inspector.check(bytes, announced: announced)
            return nil
        } catch {
            return error
        }
    }

    @Test func `states of others, of another round, form, federation or layout are refused`() throws
    {
        let fixture = try GossipFixture()
        let state = fixture.state(seed: 1)
        let whole = bytes(fixture, state)
        #expect(reason(fixture, whole, announced(fixture, whole)) == nil)
        #expect(
            reason(fixture, whole, announced(fixture, whole, round: 2)) == .updateWrongRound)
        #expect(
            reason(fixture, whole, announced(fixture, whole, member: Fixtures.key(3).publicKey))
                == .updateNotAsAnnounced)
        let short = try GossipFixture(form: .int8)
        let other = bytes(short, state)
        #expect(reason(fixture, other, announced(fixture, other)) == .manifestMismatch)
        let narrow = try GossipFixture(rank: 2)
        let small = bytes(narrow, narrow.state(seed: 1))
        #expect(reason(fixture, small, announced(fixture, small)) == .updateShapeMismatch)
        let renamed = NamedTensors(
            state.elements.map { .init(name: "x" + $0.name, tensor: $0.tensor) })
        let unknown = bytes(fixture, renamed)
        #expect(reason(fixture, unknown, announced(fixture, unknown)) != nil)
    }

    @Test func `a state longer than its rounds allow is refused`() throws {
        let fixture = try GossipFixture(normBound: 0.5)
        let bound = fixture.inspector.normBound(round: 1)
        let state = fixture.state(seed: 1, scale: 100)
        let whole = bytes(fixture, state)
        #expect(reason(fixture, whole, announced(fixture, whole)) == .updateNormExceeded)
        // The same state is honest after enough rounds.
        let late = bytes(fixture, state, round: 5000)
        #expect(reason(fixture, late, announced(fixture, late, round: 5000)) == nil)
        #expect(bound < 100)
    }

    @Test(arguments: WireForm.allCases)
    func `what is prepared passes the inspector, however far training went`(
        form: WireForm
    ) throws {
        let fixture = try GossipFixture(form: form, normBound: 0.5)
        for scale in [0.001, 1, 10, 1e6] {
            var trained = fixture.state(seed: 4, scale: scale)
            for element in fixture.base.elements {
                guard var tensor = trained[element.name] else { continue }
                tensor.values = zip(tensor.values, element.tensor.values).map { $0 + $1 }
                trained.replace(element.name, with: tensor)
            }
            let prepared = try fixture.inspector.prepare(
                trained, from: fixture.base, baseDigest: Fixtures.digest("base"), round: 1,
                member: member, exampleCount: 8)
            #expect(reason(fixture, prepared.bytes, prepared.summary) == nil)
            #expect(prepared.isScaledToBound == (scale > 0.05))
            let moved = prepared.state.subtracting(fixture.base).elements
                .flatMap(\.tensor.values).map(Double.init)
            #expect(GossipFixture.norm(moved) < 0.5001)
        }
        #expect(throws: RejectReason.updateShapeMismatch) {
            let narrow = try GossipFixture(rank: 2).state(seed: 1)
            return try fixture.inspector.prepare(
                narrow, from: fixture.base, baseDigest: Fixtures.digest("base"), round: 1,
                member: member, exampleCount: 8)
        }
    }
}
