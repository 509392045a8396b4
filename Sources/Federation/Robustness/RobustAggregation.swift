/// A robust rule with what goes before it, on whole vectors.
///
/// Deterministic: inputs are put in order of their ids, values in order of (value, id), sums run in
/// that order in Double. The order in which inputs come does not matter.
public struct RobustAggregation: Hashable, Sendable {
    /// One vector and whose it is.
    public struct Input: Hashable, Sendable {
        /// What orders the inputs: a member's or a group's key.
        public let id: [UInt8]
        /// The coordinates.
        public let values: [Double]

        /// Pairs id and values.
        public init(id: [UInt8], values: [Double]) {
            self.id = id
            self.values = values
        }
    }

    /// The rule.
    public let rule: RobustRule
    /// What is made of the inputs before.
    public let mixing: InputMixing
    /// Where rules that go in steps begin.
    public let start: RobustStart

    /// Collects the choices.
    public init(_ rule: RobustRule, mixing: InputMixing = .none, start: RobustStart = .zero) {
        self.rule = rule
        self.mixing = mixing
        self.start = start
    }

    /// The rule's outcome.
    ///
    /// - Throws: the reason why the inputs are none for this rule, before any arithmetic; `nonFinite`
    ///   also for values whose squares are not finite.
    /// - Complexity: O(inputs^2 x coordinates) where distances are needed.
    public func aggregate(_ inputs: [Input]) throws(RobustnessError) -> [Double] {
        let sorted = try Self.sorted(inputs)
        let vectors = sorted.map(\.values)
        return try plan(for: vectors).values(of: vectors)
    }

    /// Krum's scores of the inputs, in the order given.
    ///
    /// - Throws: as ``aggregate(_:)``.
    public static func krumScores(
        of inputs: [Input], liarCount: Int
    ) throws(RobustnessError) -> [Double] {
        let sorted = try sorted(inputs)
        let minimum = RobustRule.krum(liarCount: liarCount).inputCountMinimum
        guard sorted.count >= minimum else {
            throw .tooFewInputs(count: sorted.count, minimum: minimum)
        }
        let scores = DistanceRules(distances(of: sorted.map(\.values), start: .zero))
            .scores(liarCount: liarCount)
        let places = Dictionary(
            uniqueKeysWithValues: sorted.enumerated().map { ($0.element.id, $0.offset) })
        return inputs.compactMap { places[$0.id].map { scores[$0] } }
    }

    private func plan(for vectors: [[Double]]) throws(RobustnessError) -> RobustPlan {
        let needsDistances = RobustPlan.needsDistances(rule, mixing: mixing)
        return try RobustPlan(
            rule, mixing: mixing, start: start, inputCount: vectors.count,
            distances: needsDistances ? Self.distances(of: vectors, start: start) : nil)
    }

    private static func distances(
        of vectors: [[Double]], start: RobustStart
    ) -> PairwiseDistances {
        var distances = PairwiseDistances(count: vectors.count + 1)
        distances.add([RobustPlan.start(start, of: vectors)] + vectors)
        return distances
    }

    private static func sorted(_ inputs: [Input]) throws(RobustnessError) -> [Input] {
        guard let first = inputs.first else { throw .tooFewInputs(count: 0, minimum: 1) }
        for (index, input) in inputs.enumerated() {
            guard input.values.count == first.values.count else {
                throw .countMismatch(
                    input: index, actual: input.values.count, expected: first.values.count)
            }
            guard input.values.allSatisfy(\.isFinite) else { throw .nonFinite(input: index) }
        }
        let order = inputs.indices.sorted {
            inputs[$0].id.lexicographicallyPrecedes(inputs[$1].id)
        }
        for (left, right) in zip(order, order.dropFirst())
        where inputs[left].id == inputs[right].id {
            throw .duplicateID(input: right)
        }
        return order.map { inputs[$0] }
    }
}
