public import Federation

/// A robust rule as the tables of attacks have it.
public struct AttackedRule: Hashable, Sendable {
    /// The name in tables.
    public let name: String
    private let make: Make

    private enum Make: Hashable, Sendable {
        case mean, median, trimmedMean, krum, multiKrum, geometricMedian
        case centeredClipping(radius: Double?)
    }

    /// Whether inputs are mixed with their neighbours before.
    private let mixes: Bool

    private init(_ name: String, _ make: Make, mixes: Bool = false) {
        self.name = name
        self.make = make
        self.mixes = mixes
    }

    /// The rule for so many liars.
    public func aggregation(memberCount: Int, liarCount: Int) -> RobustAggregation {
        let rule: RobustRule
        var start = RobustStart.zero
        switch make {
        case .mean: rule = .mean
        case .median: rule = .median
        case .trimmedMean: rule = .trimmedMean(cutCount: liarCount)
        case .krum: rule = .krum(liarCount: liarCount)
        case .multiKrum:
            // The best n - f - 1, as ByzFL has it where it counts n - f - 2 neighbours.
            rule = .multiKrum(
                liarCount: liarCount, chosenCount: max(1, memberCount - liarCount - 1))
        case .geometricMedian: rule = .geometricMedian(stepCount: 8, smoothing: 0.1)
        case .centeredClipping(let radius):
            rule = .centeredClipping(
                radius: radius.map { .fixed($0) } ?? .ofDistances(atMost: .infinity),
                stepCount: 3)
            if radius == nil { start = .median }
        }
        return RobustAggregation(
            rule, mixing: mixes ? .nearestNeighbors(liarCount: liarCount) : .none, start: start)
    }

    /// The rules that ByzFL has too, with centered clipping from zero and of that radius.
    public static func byzFL(radius: Double) -> [AttackedRule] {
        [
            AttackedRule("mean", .mean), AttackedRule("median", .median),
            AttackedRule("trimmed-mean", .trimmedMean), AttackedRule("krum", .krum),
            AttackedRule("multi-krum", .multiKrum),
            AttackedRule("geometric-median", .geometricMedian),
            AttackedRule("centered-clipping", .centeredClipping(radius: radius)),
            AttackedRule("nnm-trimmed-mean", .trimmedMean, mixes: true),
            AttackedRule("nnm-median", .median, mixes: true),
            AttackedRule("nnm-geometric-median", .geometricMedian, mixes: true),
            AttackedRule("nnm-krum", .krum, mixes: true),
            AttackedRule(
                "nnm-centered-clipping", .centeredClipping(radius: radius), mixes: true),
        ]
    }

    /// The rules that a manifest can name, with what it makes of them.
    public static let all: [AttackedRule] = [
        AttackedRule("mean", .mean), AttackedRule("median", .median),
        AttackedRule("trimmed-mean", .trimmedMean), AttackedRule("krum", .krum),
        AttackedRule("multi-krum", .multiKrum),
        AttackedRule("geometric-median", .geometricMedian),
        AttackedRule("centered-clipping", .centeredClipping(radius: nil)),
        AttackedRule("trimmed-mean, mixed", .trimmedMean, mixes: true),
        AttackedRule("clipping, mixed", .centeredClipping(radius: nil), mixes: true),
    ]
}
