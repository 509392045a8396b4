import Cryptography
import Tensors
import Testing

@testable import Federation

/// Sums of updates that are read one after the other, in parts of the layout.
struct RoundSumTests {
    private func objects(
        _ fixture: AggregatorFixture, round: UInt64
    ) throws -> [(summary: UpdateSummary, bytes: [UInt8])] {
        try [
            fixture.update(fixture.delta(seed: 1), member: 2, rank: 2, round: round),
            fixture.update(
                fixture.delta(seed: 2), member: 3, rank: 8, examples: 24, steps: 3, round: round),
            fixture.update(
                fixture.delta(seed: 3), member: 4, held: [AggregatorFixture.lone], round: round),
        ].map {
            let bytes = AdapterUpdateCodec.encode($0)
            return ($0.summary(bytes: bytes), bytes)
        }
    }

    @Test(arguments: AggregatorRegistry.names, [1, 100, 1_000_000])
    func `parts of any size give the bytes of the whole`(name: String, limit: Int) throws {
        for (normalizes, momentum) in [(false, 0.0), (true, 0.5)] {
            let fixture = try AggregatorFixture(name, form: .int8) {
                $0.outerMomentum = momentum
                $0.normalizesSteps = normalizes
            }
            for number in [UInt64(1), 2] {
                let objects = try objects(fixture, round: number)
                let round = fixture.round(number)
                let expected = try round.aggregate(
                    try objects.map {
                        try AdapterUpdateCodec.decode($0.bytes, byteCountMax: .max)
                    }, onto: fixture.base)
                var sum = try RoundSum(
                    round, base: AdapterStateCodec.encode(fixture.base),
                    participants: objects.map(\.summary), elementCountMax: limit)
                var passCount = 0
                while sum.needsPass {
                    // The order does not matter, and may be another one each time.
                    for object in passCount % 2 == 0 ? objects : objects.reversed() {
                        try sum.add(object.bytes)
                    }
                    try sum.endPass()
                    passCount += 1
                }
                #expect(sum.aggregate == expected)
                let holds = round.holdsUpdates
                #expect(passCount == (holds && limit < 1_000 ? 3 : 1), "\(name), \(limit)")
            }
        }
    }

    @Test func `an update that must not be summed is refused in the part that it breaks`() throws {
        let fixture = try AggregatorFixture("spectral", form: .int8)
        let objects = try objects(fixture, round: 1)
        var sum = try RoundSum(
            fixture.round(), base: AdapterStateCodec.encode(fixture.base),
            participants: objects.map(\.summary), elementCountMax: 1)
        #expect(throws: RejectReason.malformed) { try sum.add(Array(objects[0].bytes.dropLast())) }
        let second = try fixture.update(fixture.delta(seed: 1), member: 2, rank: 8, round: 2)
        var parts = try RoundSum(
            fixture.round(), base: AdapterStateCodec.encode(fixture.base),
            participants: [objects[0].summary, objects[1].summary], elementCountMax: 1)
        try parts.add(objects[0].bytes)
        #expect(throws: RejectReason.equivocation) {
            try parts.add(AdapterUpdateCodec.encode(second))
        }
        #expect(throws: RejectReason.updateShapeMismatch) {
            try RoundSum(
                fixture.round(),
                base: AdapterStateCodec.encode(
                    NamedTensors(Array(fixture.base.elements.prefix(4)))),
                participants: [])
        }
        #expect(throws: RejectReason.malformed) {
            try RoundSum(fixture.round(), base: [1, 2, 3], participants: [])
        }
    }

    @Test func `a part of an update is what the whole has of it`() throws {
        for form in WireForm.allCases {
            let fixture = try AggregatorFixture("spectral", form: form)
            let update = try fixture.update(fixture.delta(seed: 4), member: 2, rank: 3)
            let bytes = AdapterUpdateCodec.encode(update)
            for part in fixture.layout.parts(elementCountMax: 1) {
                let read = try AdapterUpdateCodec.decode(
                    bytes, byteCountMax: bytes.count, only: part)
                #expect(
                    read.tensors
                        == update.tensors.filter { part.shape(of: $0.name) != nil })
                #expect(read.exampleCount == update.exampleCount && read.stepCount == 8)
                // What is passed over is bounded all the same.
                for count in stride(from: 0, to: bytes.count, by: 7) {
                    #expect(throws: RejectReason.malformed) {
                        try AdapterUpdateCodec.decode(
                            Array(bytes.prefix(count)), byteCountMax: bytes.count, only: part)
                    }
                }
            }
        }
    }

    @Test func `the greatest state under the settings has the bytes that the layout says`() throws {
        for momentum in [0, 0.5] {
            let fixture = try AggregatorFixture("factor-mean") { $0.outerMomentum = momentum }
            let update = try fixture.update(fixture.delta(seed: 1), member: 2)
            let next = try fixture.round().aggregate([update], onto: fixture.base)
            let bytes = AdapterStateCodec.encode(next.adapter)
            let settings = fixture.manifest.manifest.aggregation
            #expect(bytes.count == fixture.layout.stateByteCount(under: settings))
            #expect(try ConsensusState.layout(of: bytes) == fixture.layout)
        }
    }
}
