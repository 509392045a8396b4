/// A rule for each coordinate on its own.
enum CoordinateRule: Hashable, Sendable {
    case median
    case trimmedMean(cutCount: Int)

    /// The outcome for one coordinate's values, in ascending order of the inputs' ids.
    ///
    /// Equal values keep that order, so that the sum is the same whatever order inputs came in.
    func value(of values: [Double]) -> Double {
        let sorted = values.enumerated().sorted {
            ($0.element, $0.offset) < ($1.element, $1.offset)
        }
        switch self {
        case .median:
            let middle = sorted.count / 2
            return sorted.count % 2 == 1
                ? sorted[middle].element
                : sorted[middle - 1].element / 2 + sorted[middle].element / 2
        case .trimmedMean(let cutCount):
            var sum = 0.0
            for place in cutCount..<sorted.count - cutCount { sum += sorted[place].element }
            return sum / Double(sorted.count - 2 * cutCount)
        }
    }

    /// The same for every coordinate of a stretch.
    ///
    /// - Complexity: O(coordinates x inputs x log inputs).
    func values(of stretch: [[Double]]) -> [Double] {
        var column = [Double](repeating: 0, count: stretch.count)
        return (0..<(stretch.first?.count ?? 0)).map { coordinate in
            for input in stretch.indices { column[input] = stretch[input][coordinate] }
            return value(of: column)
        }
    }
}
