internal import Tensors

/// What a rule does with some inputs, once their distances are known: the same for every stretch of
/// their coordinates.
///
/// Points are numbered as in ``DistanceRules``: the start is 0, the inputs follow in ascending order
/// of their ids.
struct RobustPlan: Sendable {
    private enum Work {
        /// A combination of the points.
        case shares([Double])
        /// A rule on each coordinate of the mixed inputs; `nil` where nothing is mixed.
        case coordinates(CoordinateRule, rows: [[Double]]?)
    }

    private let start: RobustStart
    private let work: Work

    /// Decides what to do.
    ///
    /// `distances` are those of the start and the inputs; only rules and mixings of distances look
    /// at them.
    ///
    /// - Throws: `tooFewInputs`, `parameterInvalid`, and `nonFinite` for inputs too far apart.
    init(
        _ rule: RobustRule, mixing: InputMixing, start: RobustStart, inputCount: Int,
        distances: PairwiseDistances?
    ) throws(RobustnessError) {
        try rule.check()
        self.start = start
        if let distances, !distances.areFinite { throw .nonFinite(input: 0) }
        let rows = try Self.rows(mixing, rule: rule, count: inputCount, distances: distances)
        let count = rows?.count ?? inputCount
        guard count >= rule.inputCountMinimum else {
            throw .tooFewInputs(count: count, minimum: rule.inputCountMinimum)
        }
        switch rule {
        case .median: work = .coordinates(.median, rows: rows)
        case .trimmedMean(let cutCount):
            work = .coordinates(.trimmedMean(cutCount: cutCount), rows: rows)
        default:
            work = .shares(
                try Self.shares(rule, count: inputCount, rows: rows, distances: distances))
        }
    }

    /// The shares of the points in the outcome, the start's first; `nil` where each coordinate has
    /// its own.
    var shares: [Double]? {
        if case .shares(let shares) = work { shares } else { nil }
    }

    /// The outcome for a stretch of coordinates of all inputs.
    ///
    /// - Complexity: O(inputs x coordinates) for shares, with log inputs more for coordinates.
    func values(of stretch: [[Double]]) -> [Double] {
        switch work {
        case .shares(let shares):
            let start = shares[0] == 0 ? [] : [Self.start(start, of: stretch)]
            return Self.combination(
                start + stretch, shares: shares[0] == 0 ? Array(shares.dropFirst()) : shares)
        case .coordinates(let rule, let rows):
            guard let rows else { return rule.values(of: stretch) }
            return rule.values(of: rows.map { Self.combination(stretch, shares: $0) })
        }
    }

    /// Where the steps begin, for a stretch of coordinates.
    static func start(_ start: RobustStart, of stretch: [[Double]]) -> [Double] {
        switch start {
        case .zero: [Double](repeating: 0, count: stretch.first?.count ?? 0)
        case .median: CoordinateRule.median.values(of: stretch)
        }
    }

    /// Whether the plan needs to know distances.
    static func needsDistances(_ rule: RobustRule, mixing: InputMixing) -> Bool {
        rule.needsDistances || mixing.needsDistances
    }

    private static func combination(_ lists: [[Double]], shares: [Double]) -> [Double] {
        var sum = [Double](repeating: 0, count: lists.first?.count ?? 0)
        for (list, share) in zip(lists, shares) where share != 0 {
            for coordinate in sum.indices { sum[coordinate] += share * list[coordinate] }
        }
        return sum
    }

    private static func shares(
        _ rule: RobustRule, count: Int, rows: [[Double]]?, distances: PairwiseDistances?
    ) throws(RobustnessError) -> [Double] {
        let mean =
            [0] + [Double](repeating: 1 / Double(rows?.count ?? count), count: rows?.count ?? count)
        var shares = mean
        if rule.needsDistances {
            guard let distances else { preconditionFailure("a rule of distances without any") }
            let mixed = rows.map { rows in
                distances.mixed(
                    by: [[1] + [Double](repeating: 0, count: count)] + rows.map { [0] + $0 })
            }
            let rules = DistanceRules(mixed ?? distances)
            switch rule {
            case .krum(let liarCount):
                shares = rules.multiKrum(liarCount: liarCount, chosenCount: 1)
            case .multiKrum(let liarCount, let chosenCount):
                shares = rules.multiKrum(liarCount: liarCount, chosenCount: chosenCount)
            case .geometricMedian(let stepCount, let smoothing):
                shares = rules.geometricMedian(stepCount: stepCount, smoothing: smoothing)
            case .centeredClipping(let radius, let stepCount):
                shares = rules.centeredClipping(radius: radius, stepCount: stepCount)
            case .mean, .median, .trimmedMean: break
            }
        }
        guard let rows else { return shares }
        // Back from the mixed inputs to the inputs.
        var unmixed = [shares[0]] + [Double](repeating: 0, count: count)
        for (row, share) in zip(rows, shares.dropFirst()) {
            for (input, part) in row.enumerated() { unmixed[input + 1] += share * part }
        }
        return unmixed
    }

    /// The shares of the inputs in each mixed input; `nil` where nothing is mixed.
    private static func rows(
        _ mixing: InputMixing, rule: RobustRule, count: Int, distances: PairwiseDistances?
    ) throws(RobustnessError) -> [[Double]]? {
        switch mixing {
        case .none: return nil
        case .buckets(let size, let seed):
            guard size > 0 else { throw .parameterInvalid(rule) }
            var generator = SplitMix64(seed: seed)
            let order = generator.permutation(of: count)
            return stride(from: 0, to: count, by: size).map { first in
                row(of: order[first..<min(first + size, count)], count: count)
            }
        case .nearestNeighbors(let liarCount):
            guard liarCount >= 0 else { throw .parameterInvalid(rule) }
            guard count > liarCount else {
                throw .tooFewInputs(count: count, minimum: liarCount + 1)
            }
            guard let distances else { preconditionFailure("neighbours without distances") }
            return (1...count).map { input in
                let near = distances.nearest(to: input, among: 1..<count + 1)
                let kept = [input] + near.prefix(count - liarCount - 1)
                return row(of: kept.map { $0 - 1 }, count: count)
            }
        }
    }

    private static func row(of inputs: some Collection<Int>, count: Int) -> [Double] {
        var row = [Double](repeating: 0, count: count)
        for input in inputs { row[input] = 1 / Double(inputs.count) }
        return row
    }
}

extension RobustRule {
    /// - Throws: `parameterInvalid` for a number that no rule has.
    fileprivate func check() throws(RobustnessError) {
        let isValid =
            switch self {
            case .mean, .median: true
            case .trimmedMean(let cutCount): cutCount >= 0
            case .krum(let liarCount): liarCount >= 0
            case .multiKrum(let liarCount, let chosenCount): liarCount >= 0 && chosenCount > 0
            case .geometricMedian(let stepCount, let smoothing):
                stepCount > 0 && smoothing > 0 && smoothing.isFinite
            case .centeredClipping(.fixed(let radius), let stepCount):
                stepCount > 0 && radius > 0 && radius.isFinite
            case .centeredClipping(.ofDistances(let greatest), let stepCount):
                stepCount > 0 && greatest > 0
            }
        guard isValid else { throw .parameterInvalid(self) }
    }
}
