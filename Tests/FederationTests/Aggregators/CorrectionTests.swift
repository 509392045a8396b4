import Cryptography
import Tensors
import Testing

@testable import Federation

/// FedProx and SCAFFOLD on quadratics, and the change of basis.
struct CorrectionTests {
    private static let shape = Shape([2])
    private let layout = AdapterLayout(of: named([0, 0]))
    /// Two nodes: loss_i = sum_k h_ik (x_k - t_ik)^2 / 2 with unequal curvatures, so that several
    /// local steps pull their mean from the joint minimum.
    private let curvatures: [[Float]] = [[1, 0.2], [0.1, 0.8]]
    private let targets: [[Float]] = [[1, -2], [-3, 2]]

    private static func named(_ values: [Float]) -> NamedTensors {
        NamedTensors([.init(name: "x", tensor: FloatTensor(shape: shape, values: values))])
    }

    private func run(usesControl: Bool, strength: Double, rounds: Int) -> [Float] {
        let settings = Manifest.AggregationSettings(
            aggregator: "factor-mean", proximalStrength: strength,
            usesControlVariates: usesControl)
        var controls = [0, 1].map { _ in ControlVariate(layout: layout) }
        var consensus = Self.named([0, 0])
        for _ in 0..<rounds {
            var deltas: [NamedTensors] = []
            for node in 0..<2 {
                let correction = LocalCorrection(
                    settings: settings, start: consensus, control: controls[node])
                var at = consensus
                for _ in 0..<20 {
                    let x = at.elements[0].tensor.values
                    var gradients = Self.named(
                        x.indices.map { curvatures[node][$0] * (x[$0] - targets[node][$0]) })
                    correction.apply(to: &gradients, at: at)
                    let g = gradients.elements[0].tensor.values
                    at = Self.named(x.indices.map { x[$0] - 0.1 * g[$0] })
                }
                deltas.append(at.subtracting(consensus))
            }
            let mean = Self.named(
                [0, 1].map {
                    (deltas[0].elements[0].tensor.values[$0]
                        + deltas[1].elements[0].tensor.values[$0]) / 2
                })
            for node in 0..<2 {
                controls[node].advance(
                    own: deltas[node], mean: mean, stepCount: 20, learningRate: 0.1)
            }
            let sum = zip(
                controls[0].correction.elements[0].tensor.values,
                controls[1].correction.elements[0].tensor.values
            ).map { abs($0 + $1) }
            #expect(sum.allSatisfy { $0 < 1e-5 })
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
        let plain = run(usesControl: false, strength: 0, rounds: 200)
        let corrected = run(usesControl: true, strength: 0, rounds: 200)
        #expect(error(plain) > 0.3)
        #expect(error(corrected) < 1e-3)
    }

    @Test func `a proximal pull brings the fixed point nearer to the joint minimum`() {
        let plain = run(usesControl: false, strength: 0, rounds: 400)
        let pulled = run(usesControl: false, strength: 5, rounds: 400)
        #expect(error(pulled) < error(plain) / 2)
    }

    @Test func `the pull is the distance from the start times its strength`() {
        let settings = Manifest.AggregationSettings(
            aggregator: "factor-mean", proximalStrength: 0.5)
        var gradients = Self.named([1, 1])
        let correction = LocalCorrection(settings: settings, start: Self.named([2, 0]))
        correction.apply(to: &gradients, at: Self.named([4, -1]))
        #expect(gradients == Self.named([2, 0.5]))
        let none = LocalCorrection(
            settings: .init(aggregator: "factor-mean"), start: Self.named([2, 0]))
        #expect(none.isEmpty)
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
        // A gradient with regard to the product gives the factors' gradients in either basis.
        var generator = SplitMix64(seed: 4)
        let dense = (0..<60).map { _ in generator.fraction() - 0.5 }
        func gradients(_ at: NamedTensors) -> NamedTensors {
            var gradients = at
            var (a, b) = (at.elements[0].tensor, at.elements[1].tensor)
            for k in 0..<3 {
                for column in 0..<10 {
                    a.values[k * 10 + column] = Float(
                        (0..<6).reduce(0) {
                            $0 + Double(at.elements[1].tensor.values[$1 * 3 + k])
                                * dense[$1 * 10 + column]
                        })
                }
                for row in 0..<6 {
                    b.values[row * 3 + k] = Float(
                        (0..<10).reduce(0) {
                            $0 + dense[row * 10 + $1]
                                * Double(at.elements[0].tensor.values[k * 10 + $1])
                        })
                }
            }
            gradients.replace(at.elements[0].name, with: a)
            gradients.replace(at.elements[1].name, with: b)
            return gradients
        }
        let carried = change.moved(gradients: gradients(old))
        let fresh = gradients(new)
        for index in 0..<2 {
            #expect(
                distance(
                    carried.elements[index].tensor.values.map(Double.init),
                    fresh.elements[index].tensor.values.map(Double.init)) < 1e-5)
        }
        // Lone tensors pass, and so does everything where nothing changed.
        #expect(moved.elements[4] == old.elements[4])
        let delta = fixture.delta(seed: 9)
        #expect(BasisChange(from: old, to: old).moved(gradients: delta) == delta)
    }

    @Test func `a node's memory follows the round`() throws {
        let fixture = try AggregatorFixture("factor-mean", form: .int8) {
            $0.usesControlVariates = true
        }
        let delta = fixture.delta(seed: 1)
        let update = try fixture.update(delta, member: 2)
        let other = try fixture.update(fixture.delta(seed: 2), member: 3)
        let next = try fixture.round().aggregate([update, other], onto: fixture.base).adapter
        let memory = try fixture.round().remember(
            AggregationRound.Memory(layout: fixture.layout), own: delta, stepCount: 8,
            from: fixture.base, to: next)
        let correction = memory.control.correction.elements[4].tensor.values[0]
        let own = delta.elements[4].tensor.values[0]
        let mean = next.elements[4].tensor.values[0] - fixture.base.elements[4].tensor.values[0]
        #expect(abs(correction - (own - mean) / 0.008) < 1e-2)
        let absent = try fixture.round().remember(
            memory, own: nil, stepCount: 0, from: fixture.base, to: next)
        #expect(absent == memory)
    }
}
