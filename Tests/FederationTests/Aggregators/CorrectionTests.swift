import Cryptography
import Tensors
import Testing

@testable import Federation

/// SCAFFOLD on quadratics, and the change of basis.
struct CorrectionTests {
    private static let shape = Shape([2])
    private let layout = AdapterLayout(of: named([0, 0]))
    /// Two nodes: loss_i = sum_k h_ik (x_k - t_ik)^2 / 2 with unequal curvatures, so that several
    /// local steps pull their mean from the joint minimum.
    private let curvatures: [[Float]] = [[1, 0.2], [0.1, 0.8]]
    private let targets: [[Float]] = [[1, -2], [-3, 2]]
    private let ring = Manifest.RingSettings(fractionBitCount: 22, weightUnit: 64)

    private static func named(_ values: [Float]) -> NamedTensors {
        NamedTensors([.init(name: "x", tensor: FloatTensor(shape: shape, values: values))])
    }

    /// The update that stands for a change, all of it held.
    private func update(_ delta: NamedTensors, member: UInt8) -> AdapterUpdate {
        AdapterUpdate(
            manifestDigest: Fixtures.digest("manifest"), round: 1,
            baseAdapterDigest: Fixtures.digest("base"), member: Fixtures.key(member).publicKey,
            exampleCount: 64, stepCount: 20,
            tensors: delta.elements.map { element in
                AdapterUpdate.RingTensor(
                    name: element.name, shape: element.tensor.shape, weight: 64,
                    words: element.tensor.values.map {
                        UInt32(bitPattern: Int32((Double($0) * Double(1 << 22)).rounded()))
                    })
            })
    }

    private func run(usesControl: Bool, rounds: Int) -> [Float] {
        var controls = [0, 1].map { _ in ControlVariate(layout: layout) }
        var consensus = Self.named([0, 0])
        for _ in 0..<rounds {
            var deltas: [NamedTensors] = []
            for node in 0..<2 {
                let c = controls[node].correction.elements[0].tensor.values
                var x = consensus.elements[0].tensor.values
                for _ in 0..<20 {
                    for k in x.indices {
                        let gradient = curvatures[node][k] * (x[k] - targets[node][k])
                        x[k] -= 0.1 * (gradient + (usesControl ? c[k] : 0))
                    }
                }
                deltas.append(Self.named(x).subtracting(consensus))
            }
            let mean = Self.named(
                [0, 1].map {
                    (deltas[0].elements[0].tensor.values[$0]
                        + deltas[1].elements[0].tensor.values[$0]) / 2
                })
            for node in 0..<2 {
                controls[node].advance(
                    own: update(deltas[node], member: UInt8(node + 2)), mean: mean, ring: ring,
                    rateSum: 2)
            }
            let sum = zip(
                controls[0].correction.elements[0].tensor.values,
                controls[1].correction.elements[0].tensor.values
            ).map { abs($0 + $1) }
            #expect(sum.allSatisfy { $0 < 1e-4 })
            consensus = Self.named(
                zip(consensus.elements[0].tensor.values, mean.elements[0].tensor.values)
                    .map { $0 + $1 })
        }
        return consensus.elements[0].tensor.values
    }

    private var minimum: [Float] {
        [0, 1].map { k in
            (curvatures[0][k] * targets[0][k] + curvatures[1][k] * targets[1][k])
                / (curvatures[0][k] + curvatures[1][k])
        }
    }

    private func error(_ values: [Float]) -> Float {
        zip(values, minimum).map { abs($0 - $1) }.max() ?? 0
    }

    @Test func `control variates reach the joint minimum that plain means miss`() {
        let plain = run(usesControl: false, rounds: 200)
        let corrected = run(usesControl: true, rounds: 200)
        #expect(error(plain) > 0.3)
        #expect(error(corrected) < 1e-3)
    }

    /// A balanced pair with orthogonal halves, and the same product in another basis.
    private func turned() throws -> (old: NamedTensors, new: NamedTensors, t: [[Double]]) {
        let fixture = try AggregatorFixture("spectral", rank: 3)
        let update = try fixture.update(fixture.delta(seed: 2), member: 2, rank: 3)
        let old = try fixture.round().aggregate([update], onto: fixture.base).adapter
        // T turns the first two directions and stretches the third.
        let t = [[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 2.0]]
        let inverse = [[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 0.5]]
        var new = old
        var (a, b) = (old.elements[0].tensor, old.elements[1].tensor)
        for k in 0..<3 {
            for column in 0..<10 {
                a.values[k * 10 + column] = Float(
                    (0..<3).reduce(0) {
                        $0 + inverse[k][$1]
                            * Double(old.elements[0].tensor.values[$1 * 10 + column])
                    })
            }
            for row in 0..<6 {
                b.values[row * 3 + k] = Float(
                    (0..<3).reduce(0) {
                        $0 + Double(old.elements[1].tensor.values[row * 3 + $1]) * t[$1][k]
                    })
            }
        }
        new.replace(old.elements[0].name, with: a)
        new.replace(old.elements[1].name, with: b)
        return (old, new, t)
    }

    @Test func `what a node keeps means the same in another basis of the same product`() throws {
        let (old, new, _) = try turned()
        let fixture = try AggregatorFixture("spectral", rank: 3)
        let change = BasisChange(from: old, to: new)
        // Parameters move as B T and T^-1 A do.
        let moved = change.moved(parameters: old)
        for index in 0..<2 {
            #expect(
                distance(
                    moved.elements[index].tensor.values.map(Double.init),
                    new.elements[index].tensor.values.map(Double.init)) < 1e-6)
        }
        // Lone tensors pass, and so does everything where nothing changed.
        #expect(moved.elements[4] == old.elements[4])
        let delta = fixture.delta(seed: 9)
        #expect(BasisChange(from: old, to: old).moved(parameters: delta) == delta)
    }

    @Test func `a node's memory follows the round`() throws {
        let fixture = try AggregatorFixture("factor-mean", form: .int8) {
            $0.usesControlVariates = true
            $0.outerLearningRate = 0.5
        }
        let delta = fixture.delta(seed: 1)
        let update = try fixture.update(delta, member: 2, rank: 5)
        let other = try fixture.update(fixture.delta(seed: 2), member: 3)
        let next = try fixture.round().aggregate([update, other], onto: fixture.base).adapter
        let fresh = AggregationRound.Memory(layout: fixture.layout)
        let memory = try fixture.round().remember(
            fresh, own: .init(update: update, rateSum: 0.008), from: fixture.base, to: next)
        let correction = memory.control.correction.elements[4].tensor.values[0]
        let own = delta.elements[4].tensor.values[0]
        let moved = next.elements[4].tensor.values[0] - fixture.base.elements[4].tensor.values[0]
        #expect(abs(correction - (own - 2 * moved) / 0.008) < 0.1)
        // Directions that the member did not train have no part in it.
        let rows = memory.control.correction.elements[0].tensor.values
        #expect(rows[..<50].allSatisfy { $0 != 0 } && rows[50...].allSatisfy { $0 == 0 })
        let absent = try fixture.round().remember(
            memory, own: nil, from: fixture.base, to: next)
        #expect(absent == memory)
    }

    @Test func `a record of a round is read back and refused when cut or changed in size`() throws {
        let fixture = try AggregatorFixture("spectral", form: .int4) {
            $0.usesControlVariates = true
        }
        var memory = AggregationRound.Memory(layout: fixture.layout)
        for isFresh in [true, false] {
            let record = MemoryRecord(
                round: 7, baseAdapterDigest: Fixtures.digest("base"),
                updateID: Fixtures.digest("update"), rateSum: 0.25, memory: memory)
            let bytes = record.bytes
            #expect(try MemoryRecord(bytes: bytes, layout: fixture.layout) == record)
            let header = try MemoryRecord.Header(bytes: bytes)
            #expect(header.round == 7 && header.updateID == Fixtures.digest("update"))
            // Zeros take no room.
            #expect(isFresh == (bytes.count < 200))
            for count in [0, 17, 40, bytes.count - 1] {
                #expect(throws: CanonicalError.self) {
                    try MemoryRecord(bytes: Array(bytes.prefix(count)), layout: fixture.layout)
                }
            }
            let other = try AggregatorFixture("spectral", output: 7)
            if !isFresh {
                #expect(throws: CanonicalError.self) {
                    try MemoryRecord(bytes: bytes, layout: other.layout)
                }
            }
            memory.feedback = ErrorFeedback(residual: fixture.delta(seed: 3))
        }
    }
}
