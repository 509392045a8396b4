import Federation
import Foundation
import Simulation
import Tensors
import Testing

/// The robust rules and the attacks against ByzFL 0.0.11, by its results on random vectors.
@Suite struct ByzFLTests {
    private func inputs(_ vectors: [[Double]]) -> [RobustAggregation.Input] {
        vectors.enumerated().map { .init(id: [UInt8($0.offset)], values: $0.element) }
    }

    private func difference(_ left: [Double], _ right: [Double]) -> Double {
        zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    @Test func `every rule gives what ByzFL gives`() throws {
        let fixture = try ByzFLFixture.read()
        let rules = AttackedRule.byzFL(radius: fixture.radius)
        var count = 0
        for item in fixture.cases {
            #expect(Set(item.results.keys) == Set(rules.map(\.name)))
            for rule in rules {
                let aggregation = rule.aggregation(
                    memberCount: item.vectors.count, liarCount: item.f)
                guard item.vectors.count >= aggregation.rule.inputCountMinimum else { continue }
                let value = try aggregation.aggregate(inputs(item.vectors))
                let expected = try #require(item.results[rule.name])
                #expect(
                    difference(value, expected) < 1e-9,
                    "\(rule.name), n \(item.vectors.count), f \(item.f)")
                count += 1
            }
        }
        #expect(count >= 66)
    }

    static let attacks: [String: VectorAttack] = [
        "sign-flip": .signFlip, "scale-1000": .scale(1000),
        "alie-1.5": .littleIsEnough(z: 1.5), "alie-10": .littleIsEnough(z: 10),
        "ipm-0.1": .innerProduct(epsilon: 0.1), "ipm-2": .innerProduct(epsilon: 2),
        "mimic": .mimic,
    ]

    @Test func `every attack costs every rule what it costs ByzFL's`() throws {
        let fixture = try ByzFLFixture.read()
        let rules = AttackedRule.byzFL(radius: fixture.radius)
        var generator = SplitMix64(seed: 1)
        var greatest = 0.0
        var lines: [String] = []
        for row in fixture.attacks.table {
            let honest = Array(fixture.attacks.vectors.dropLast(row.f))
            let lies =
                try row.attack == "gaussian"
                ? [[Double]](repeating: fixture.attacks.gaussian, count: row.f)
                : #require(Self.attacks[row.attack]).lies(
                    row.f, among: honest, using: &generator)
            let mean = VectorAttack.mean(of: honest)
            var line = "\(row.attack) f=\(row.f):"
            for rule in rules {
                let value = try rule.aggregation(
                    memberCount: honest.count + row.f, liarCount: row.f
                ).aggregate(inputs(honest + lies))
                let error = difference(value, mean)
                let expected = try #require(row.errors[rule.name])
                greatest = max(greatest, abs(error - expected))
                #expect(
                    abs(error - expected) < 1e-9, "\(row.attack), \(row.f), \(rule.name)")
                line += " \(rule.name) \(error.formatted(.number.precision(.fractionLength(3))))"
            }
            lines.append(line)
        }
        #expect(lines.count == 24)
        print(lines.joined(separator: "\n"))
        print("greatest difference from ByzFL: \(greatest)")
    }

    @Test func `the z of ALIE is that of the published table`() {
        let expected: [(n: Int, f: Int, z: Double)] = [
            (50, 12, 0.336038), (25, 5, 0.253347), (16, 3, 0.096559), (16, 5, 0.348756),
            (10, 2, 0),
        ]
        for item in expected {
            let z = VectorAttack.alieZ(memberCount: item.n, liarCount: item.f)
            #expect(abs(z - item.z) < 1e-6, "n \(item.n), f \(item.f): \(z)")
        }
    }
}
