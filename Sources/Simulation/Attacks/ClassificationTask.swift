internal import Tensors

/// Points of ten kinds, of which each member has mostly two: a task on which a changed label means
/// something.
///
/// A point is the mean of its class and noise of variance 1 in each of 16 coordinates, with a 1
/// behind them; the means' coordinates have variance 1. Three in five of a member's points are of
/// two classes of its own, the others of any.
struct ClassificationTask: Sendable {
    static let classCount = 10
    static let featureCount = 16
    /// A row of the weights: one for each feature and the constant.
    static let rowCount = featureCount + 1

    /// Points and labels.
    struct Samples: Sendable {
        /// Row-major [sample, feature].
        var features: [Double] = []
        var labels: [Int] = []
    }

    let members: [Samples]
    let test: Samples

    init(memberCount: Int, samplesPerMember: Int, generator: inout SplitMix64) {
        let means = (0..<Self.classCount * Self.featureCount).map { _ in generator.bell() }
        func draw(_ label: Int, to samples: inout Samples) {
            for feature in 0..<Self.featureCount {
                samples.features.append(
                    means[label * Self.featureCount + feature] + generator.bell())
            }
            samples.features.append(1)
            samples.labels.append(label)
        }
        var members: [Samples] = []
        for member in 0..<memberCount {
            var samples = Samples()
            for _ in 0..<samplesPerMember {
                let isOwn = generator.fraction() < 0.6
                let label =
                    isOwn
                    ? (member + generator.number(below: 2)) % Self.classCount
                    : generator.number(below: Self.classCount)
                draw(label, to: &samples)
            }
            members.append(samples)
        }
        self.members = members
        var test = Samples()
        for index in 0..<1000 { draw(index % Self.classCount, to: &test) }
        self.test = test
    }

    /// The share of the test points whose class has the greatest score.
    func accuracy(of weights: [Double]) -> Double {
        var rightCount = 0
        for (index, label) in test.labels.enumerated() {
            let scores = Self.scores(weights, test, index)
            if scores.indices.max(by: { scores[$0] < scores[$1] }) == label { rightCount += 1 }
        }
        return Double(rightCount) / Double(test.labels.count)
    }

    /// What a member's steps add to the weights: gradient descent on the squared error of scores
    /// that should be 1 for the class and 0 for the others.
    func update(
        of member: Int, from start: [Double], stepCount: Int, batchSize: Int, rate: Double,
        flipsLabels: Bool, generator: inout SplitMix64
    ) -> [Double] {
        let samples = members[member]
        var weights = start
        for _ in 0..<stepCount {
            var gradient = [Double](repeating: 0, count: weights.count)
            for _ in 0..<batchSize {
                let index = generator.number(below: samples.labels.count)
                let label = samples.labels[index]
                let taught = flipsLabels ? Self.classCount - 1 - label : label
                let scores = Self.scores(weights, samples, index)
                for row in 0..<Self.classCount {
                    let error = scores[row] - (row == taught ? 1 : 0)
                    for feature in 0..<Self.rowCount {
                        gradient[row * Self.rowCount + feature] +=
                            error * samples.features[index * Self.rowCount + feature]
                    }
                }
            }
            for place in weights.indices {
                weights[place] -= rate * gradient[place] / Double(batchSize)
            }
        }
        return zip(weights, start).map { $0 - $1 }
    }

    private static func scores(
        _ weights: [Double], _ samples: Samples, _ index: Int
    ) -> [Double] {
        (0..<classCount).map { row in
            var sum = 0.0
            for feature in 0..<rowCount {
                sum +=
                    weights[row * rowCount + feature] * samples.features[index * rowCount + feature]
            }
            return sum
        }
    }
}
