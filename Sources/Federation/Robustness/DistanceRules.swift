/// The rules of distances.
///
/// Each says which combination of the points its outcome is. Point 0 is the start, the inputs follow.
struct DistanceRules: Sendable {
    private let distances: PairwiseDistances
    private var inputs: Range<Int> { 1..<distances.count }
    private var inputCount: Int { distances.count - 1 }

    init(_ distances: PairwiseDistances) {
        precondition(distances.count > 1, "\(distances.count) points")
        self.distances = distances
    }

    /// Krum's score of each input: the sum of the squared distances to its n - f - 2 nearest.
    func scores(liarCount: Int) -> [Double] {
        inputs.map { input in
            distances.nearest(to: input, among: inputs)
                .prefix(inputCount - liarCount - 2)
                .reduce(0) { $0 + distances[input, $1] }
        }
    }

    /// The mean of the inputs with the best scores; ties by index.
    func multiKrum(liarCount: Int, chosenCount: Int) -> [Double] {
        let scores = scores(liarCount: liarCount)
        let order = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }
        var shares = [Double](repeating: 0, count: distances.count)
        for index in order.prefix(chosenCount) { shares[index + 1] = 1 / Double(chosenCount) }
        return shares
    }

    /// Weiszfeld's steps: the mean of the inputs, each by the inverse of its distance.
    func geometricMedian(stepCount: Int, smoothing: Double) -> [Double] {
        var shares = start
        for _ in 0..<stepCount {
            var weights = [Double](repeating: 0, count: distances.count)
            var total = 0.0
            for input in inputs {
                weights[input] = 1 / max(smoothing, distance(from: shares, to: input))
                total += weights[input]
            }
            shares = weights.map { $0 / total }
        }
        return shares
    }

    /// Steps along the mean of the differences, each cut to the radius.
    func centeredClipping(radius: ClipRadius, stepCount: Int) -> [Double] {
        let radius =
            switch radius {
            case .fixed(let radius): radius
            case .ofDistances(let greatest): min(medianDistance, greatest)
            }
        var shares = start
        for _ in 0..<stepCount {
            var factors = [Double](repeating: 0, count: distances.count)
            var total = 0.0
            for input in inputs {
                let distance = distance(from: shares, to: input)
                factors[input] = (distance > radius ? radius / distance : 1) / Double(inputCount)
                total += factors[input]
            }
            for point in shares.indices {
                shares[point] = shares[point] * (1 - total) + factors[point]
            }
        }
        return shares
    }

    /// The median of the inputs' distances to the start, of an even number the lower one.
    var medianDistance: Double {
        let sorted = inputs.map { distances[0, $0] }.sorted()
        return sorted[(sorted.count - 1) / 2].squareRoot()
    }

    private var start: [Double] {
        var shares = [Double](repeating: 0, count: distances.count)
        shares[0] = 1
        return shares
    }

    private func distance(from shares: [Double], to input: Int) -> Double {
        var end = [Double](repeating: 0, count: distances.count)
        end[input] = 1
        return distances.square(from: shares, to: end).squareRoot()
    }
}
