import Tensors
import Testing

@testable import Federation

/// The robust rules against the vectors of their specification.
@Suite struct RobustRuleTests {
    static let vectors: [[Double]] = [
        [1, 2, 3], [1.2, 1.8, 3.1], [0.9, 2.2, 2.9], [1.1, 2.1, 3], [0.8, 1.9, 3.2],
        [-10, 20, -30], [9, -9, 9],
    ]
    static let inputs = vectors.enumerated().map {
        RobustAggregation.Input(id: [UInt8($0.offset)], values: $0.element)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let rule: RobustRule
        var start = RobustStart.zero
        let expected: [Double]
        var testDescription: String { "\(rule) from \(start)" }
    }

    static let cases = [
        Case(rule: .mean, expected: [0.571429, 3, -0.828571]),
        Case(rule: .median, expected: [1, 2, 3]),
        Case(rule: .trimmedMean(cutCount: 2), expected: [1, 2, 3.033333]),
        Case(rule: .krum(liarCount: 2), expected: [1, 2, 3]),
        Case(rule: .multiKrum(liarCount: 2, chosenCount: 5), expected: [1, 2, 3.04]),
        Case(rule: .multiKrum(liarCount: 2, chosenCount: 3), expected: [1, 2.1, 2.966667]),
        Case(
            rule: .geometricMedian(stepCount: 8, smoothing: 0.1),
            expected: [1.027230, 2.013912, 3.004268]),
        Case(
            rule: .centeredClipping(radius: .fixed(1), stepCount: 1),
            expected: [0.233238, 0.371848, 0.542295]),
        Case(
            rule: .centeredClipping(radius: .fixed(1), stepCount: 5),
            expected: [0.984876, 1.781183, 2.688617]),
        Case(
            rule: .centeredClipping(radius: .fixed(0.5), stepCount: 3), start: .median,
            expected: [1.025043, 1.972679, 2.996325]),
    ]

    @Test(arguments: cases)
    func `a rule gives the value that was worked out for it`(item: Case) throws {
        let value = try RobustAggregation(item.rule, start: item.start).aggregate(Self.inputs)
        #expect(distance(value, item.expected) < 5.1e-7, "\(value)")
    }

    @Test func `Krum scores the inputs by their three nearest`() throws {
        let scores = try RobustAggregation.krumScores(of: Self.inputs, liarCount: 2)
        #expect(
            distance(scores, [0.17, 0.38, 0.31, 0.19, 0.44, 4584.68, 652.98]) < 5e-3, "\(scores)")
    }

    @Test func `a node among seven goes as far towards the others as the radius lets it`() {
        let own = Self.vectors[0]
        let distances = Self.vectors.map { other in
            zip(own, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        let shares = SelfCenteredClipping(radius: 0.5, liarCount: 0).shares(
            weights: [Double](repeating: 1.0 / 7, count: 7), distances: distances)
        let value = own.indices.map { place in
            own[place]
                + zip(Self.vectors, shares).reduce(0) { $0 + $1.1 * ($1.0[place] - own[place]) }
        }
        #expect(distance(value, [1.018377, 1.979974, 2.997217]) < 5.1e-7, "\(value)")
    }

    @Test func `the radius of the distances is that of the farthest honest neighbour`() {
        let clipping = SelfCenteredClipping(radius: nil, liarCount: 1)
        // The second greatest: 2.
        #expect(
            clipping.shares(weights: [0.25, 0.25, 0.25], distances: [1, 100, 2])
                == [0.25, 0.005, 0.25])
        #expect(clipping.shares(weights: [0.5], distances: [1]) == [0])
        #expect(clipping.shares(weights: [], distances: []) == [])
    }

    static let rules: [RobustRule] = [
        .mean, .median, .trimmedMean(cutCount: 2), .krum(liarCount: 2),
        .multiKrum(liarCount: 2, chosenCount: 5), .geometricMedian(stepCount: 8, smoothing: 0.1),
        .centeredClipping(radius: .fixed(1), stepCount: 3),
        .centeredClipping(radius: .ofDistances(atMost: .infinity), stepCount: 3),
    ]
    static let mixings: [InputMixing] = [
        .none, .buckets(size: 2, seed: 7), .nearestNeighbors(liarCount: 3),
    ]

    private static func random(_ count: Int, seed: UInt64, size: Int = 12) -> [[Double]] {
        var generator = SplitMix64(seed: seed)
        return (0..<count).map { _ in (0..<size).map { _ in generator.fraction() * 4 - 2 } }
    }

    private static func named(_ vectors: [[Double]]) -> [RobustAggregation.Input] {
        vectors.enumerated().map { .init(id: [UInt8($0.offset)], values: $0.element) }
    }

    @Test(arguments: rules, mixings)
    func `inputs in any order give the same bits`(rule: RobustRule, mixing: InputMixing) throws {
        for start in [RobustStart.zero, .median] {
            let aggregation = RobustAggregation(rule, mixing: mixing, start: start)
            // With doubles, so that ties happen.
            var vectors = Self.random(14, seed: 3)
            vectors[4] = vectors[9]
            vectors[5][0] = -0.0
            vectors[6][0] = 0.0
            let inputs = Self.named(vectors)
            let first = try aggregation.aggregate(inputs)
            var generator = SplitMix64(seed: 5)
            for _ in 0..<5 {
                let shuffled = generator.permutation(of: inputs.count).map { inputs[$0] }
                let again = try aggregation.aggregate(shuffled)
                #expect(again.map(\.bitPattern) == first.map(\.bitPattern))
            }
        }
    }

    @Test(arguments: rules, mixings)
    func `equal inputs give that input`(rule: RobustRule, mixing: InputMixing) throws {
        let vector = Self.random(1, seed: 9)[0]
        let inputs = Self.named([[Double]](repeating: vector, count: 14))
        let value = try RobustAggregation(rule, mixing: mixing, start: .median).aggregate(inputs)
        #expect(distance(value, vector) < 1e-14)
    }

    @Test(arguments: rules, mixings)
    func `a value that is not finite is refused`(rule: RobustRule, mixing: InputMixing) {
        for value in [Double.nan, .infinity, -.infinity] {
            var vectors = Self.random(14, seed: 1)
            vectors[3][2] = value
            #expect(throws: RobustnessError.nonFinite(input: 3)) {
                try RobustAggregation(rule, mixing: mixing).aggregate(Self.named(vectors))
            }
        }
    }

    @Test func `inputs that are none for a rule are refused with the reason`() {
        #expect(throws: RobustnessError.tooFewInputs(count: 0, minimum: 1)) {
            try RobustAggregation(.mean).aggregate([])
        }
        #expect(throws: RobustnessError.tooFewInputs(count: 7, minimum: 9)) {
            try RobustAggregation(.krum(liarCount: 3)).aggregate(Self.inputs)
        }
        #expect(throws: RobustnessError.tooFewInputs(count: 4, minimum: 5)) {
            try RobustAggregation(.trimmedMean(cutCount: 2), mixing: .buckets(size: 2, seed: 1))
                .aggregate(Self.inputs)
        }
        var inputs = Self.inputs
        inputs[2] = .init(id: [2], values: [1, 2])
        #expect(throws: RobustnessError.countMismatch(input: 2, actual: 2, expected: 3)) {
            try RobustAggregation(.median).aggregate(inputs)
        }
        inputs[2] = .init(id: [1], values: [1, 2, 3])
        #expect(throws: RobustnessError.duplicateID(input: 2)) {
            try RobustAggregation(.median).aggregate(inputs)
        }
        inputs[2] = .init(id: [2], values: [1e200, 2, 3])
        #expect(throws: RobustnessError.nonFinite(input: 0)) {
            try RobustAggregation(.krum(liarCount: 1)).aggregate(inputs)
        }
        for rule in [
            RobustRule.trimmedMean(cutCount: -1), .krum(liarCount: -1),
            .centeredClipping(radius: .fixed(0), stepCount: 1),
            .geometricMedian(stepCount: 0, smoothing: 1),
        ] {
            #expect(throws: RobustnessError.parameterInvalid(rule)) {
                try RobustAggregation(rule).aggregate(Self.inputs)
            }
        }
    }

    @Test(arguments: rules.dropFirst())
    func `two liars of seven, however far away, move a rule by little`(rule: RobustRule) throws {
        let honest = try RobustAggregation(.mean).aggregate(Array(Self.inputs.prefix(5)))
        var reached: [Double] = []
        for scale in [1.0, 1e3, 1e6] {
            let inputs = Self.inputs.map { input in
                input.id[0] < 5
                    ? input : .init(id: input.id, values: input.values.map { $0 * scale })
            }
            let value = try RobustAggregation(rule, start: .median).aggregate(inputs)
            reached.append(distance(value, honest))
        }
        #expect(reached.allSatisfy { $0 < 0.7 }, "\(reached)")
        #expect(abs(reached[2] - reached[1]) < 1e-3, "\(reached)")
    }

    @Test func `neighbours are mixed as one would by hand`() throws {
        let inputs = Self.named([[0], [1], [3], [100]])
        // Each with its nearest: (0,1), (1,0), (3,1), (100,3).
        let mixed = RobustAggregation(.median, mixing: .nearestNeighbors(liarCount: 2))
        #expect(try mixed.aggregate(inputs) == [1.25])
        let mean = RobustAggregation(.mean, mixing: .nearestNeighbors(liarCount: 2))
        #expect(distance(try mean.aggregate(inputs), [(0.5 + 0.5 + 2 + 51.5) / 4]) < 1e-12)
    }
}
