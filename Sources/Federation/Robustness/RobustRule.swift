/// A rule that makes one vector of several, some of which may be lies.
///
/// Every rule counts all inputs alike: a weight would be one more number that a liar chooses.
///
/// Source: Blanchard et al. 2017 (Krum, multi-Krum), Yin et al. 2018 (median, trimmed mean), Pillutla
/// et al. 2022 (geometric median), Karimireddy et al. 2021 (centered clipping).
public enum RobustRule: Hashable, Sendable {
    /// The mean. Tolerates nobody: one input moves it as far as it likes.
    case mean
    /// The median of each coordinate, of an even number the mean of the middle two.
    case median
    /// The mean of each coordinate without so many of the lowest and of the highest values.
    case trimmedMean(cutCount: Int)
    /// The input with the least sum of squared distances to its n - f - 2 nearest, for f liars.
    case krum(liarCount: Int)
    /// The mean of so many inputs with the best scores of Krum.
    case multiKrum(liarCount: Int, chosenCount: Int)
    /// The point with the least sum of distances, after so many of Weiszfeld's steps; a distance
    /// below the smoothing counts as the smoothing.
    case geometricMedian(stepCount: Int, smoothing: Double)
    /// From the start so many steps along the mean of the differences, each cut to the radius.
    case centeredClipping(radius: ClipRadius, stepCount: Int)

    /// The least number of inputs that the rule is defined for.
    public var inputCountMinimum: Int {
        switch self {
        case .mean, .median, .geometricMedian, .centeredClipping: 1
        case .trimmedMean(let cutCount): 2 * cutCount + 1
        case .krum(let liarCount): 2 * liarCount + 3
        case .multiKrum(let liarCount, let chosenCount): max(2 * liarCount + 3, chosenCount)
        }
    }

    /// Whether the outcome depends on distances of whole vectors, and not on each coordinate alone.
    var needsDistances: Bool {
        switch self {
        case .mean, .median, .trimmedMean: false
        case .krum, .multiKrum, .geometricMedian, .centeredClipping: true
        }
    }
}

/// How far one input can move centered clipping in a step, times the number of inputs.
public enum ClipRadius: Hashable, Sendable {
    /// So far, above 0.
    case fixed(Double)
    /// The median of the inputs' distances to the start, of an even number the lower one; at most
    /// the number given.
    case ofDistances(atMost: Double)
}

/// Where rules that go in steps begin.
public enum RobustStart: Hashable, Sendable {
    /// At zero, which for updates is the adapter as it was.
    case zero
    /// At the median of each coordinate.
    case median
}

/// What is made of the inputs before the rule sees them.
public enum InputMixing: Hashable, Sendable {
    /// Nothing.
    case none
    /// Inputs in random order, cut into buckets of so many, the last one maybe smaller; each bucket's
    /// mean. The order follows from the seed.
    ///
    /// Source: Karimireddy, He and Jaggi 2022, bucketing.
    case buckets(size: Int, seed: UInt64)
    /// For each input the mean of its n - f nearest, itself among them.
    ///
    /// Source: Allouah et al. 2023, nearest-neighbour mixing (NNM).
    case nearestNeighbors(liarCount: Int)

    var needsDistances: Bool {
        if case .nearestNeighbors = self { true } else { false }
    }
}

/// Why inputs were not aggregated.
public enum RobustnessError: Error, Hashable, Sendable {
    /// The rule needs more inputs.
    case tooFewInputs(count: Int, minimum: Int)
    /// An input has another number of coordinates than the first.
    case countMismatch(input: Int, actual: Int, expected: Int)
    /// An input holds a value that is not finite, or one so great that its square is not.
    case nonFinite(input: Int)
    /// Two inputs have one id.
    case duplicateID(input: Int)
    /// The parameter is out of range.
    case parameterInvalid(RobustRule)
}
