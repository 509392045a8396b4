internal import Tensors

/// Nodes that each learn a matrix from their own inputs; what they share is of low rank.
///
/// y = (W + het S_j) x with W [64, 48] of rank 12, S_j a shift of rank 2 that node j alone has, and
/// x independent with variance 1, or 0.0625 for a half of the inputs that is node j's own.
///
/// Source: the setting is the reference simulation's of the aggregation methods.
///
/// ### Deviations
/// The reference leaves open how W and S are scaled and how many inputs a step sees. Here W's
/// entries have the variance 0.87^2 / 48 and S's 1.29^2 / 48, which puts the floor and the factor
/// mean about where the reference has them, and a step sees 32 inputs.
struct RegressionTask {
    static let outputSize = 64
    static let inputSize = 48
    private static let sharedRank = 12
    private static let shiftRank = 2
    private static let sharedScale = 0.87
    private static let shiftScale = 1.29
    private static let quietDeviation = 0.25

    /// Row-major [output, input], one for each node.
    let targets: [[Double]]
    /// The standard deviation of each input, one list for each node.
    let deviations: [[Double]]

    init(nodeCount: Int, shift: Double, generator: inout SplitMix64) {
        let shared = Self.product(rank: Self.sharedRank, scale: Self.sharedScale, &generator)
        var targets: [[Double]] = []
        var deviations: [[Double]] = []
        for _ in 0..<nodeCount {
            let own = Self.product(rank: Self.shiftRank, scale: Self.shiftScale, &generator)
            targets.append(shared.indices.map { shared[$0] + shift * own[$0] })
            var deviation = [Double](repeating: 1, count: Self.inputSize)
            let order = generator.permutation(of: Self.inputSize)
            for input in order.prefix(Self.inputSize / 2) {
                deviation[input] = Self.quietDeviation
            }
            deviations.append(deviation)
        }
        self.targets = targets
        self.deviations = deviations
    }

    /// The mean squared error of a matrix over the inputs and targets of all nodes, per output.
    func error(of matrix: [Double]) -> Double {
        var sum = 0.0
        for (target, deviation) in zip(targets, deviations) {
            for element in matrix.indices {
                let scaled =
                    (matrix[element] - target[element]) * deviation[element % Self.inputSize]
                sum += scaled * scaled
            }
        }
        return sum / Double(targets.count * Self.outputSize)
    }

    /// The error of the best matrix there is.
    var floor: Double {
        let size = Self.inputSize
        let best = (0..<Self.outputSize * size).map { element in
            var (sum, weight) = (0.0, 0.0)
            for (target, deviation) in zip(targets, deviations) {
                let variance = deviation[element % size] * deviation[element % size]
                sum += variance * target[element]
                weight += variance
            }
            return sum / weight
        }
        return error(of: best)
    }

    private static func product(
        rank: Int, scale: Double, _ generator: inout SplitMix64
    ) -> [Double] {
        let left = (0..<outputSize * rank).map { _ in generator.bell() }
        let right = (0..<rank * inputSize).map { _ in generator.bell() }
        let factor = scale / Double(rank * inputSize).squareRoot()
        var product = [Double](repeating: 0, count: outputSize * inputSize)
        for row in 0..<outputSize {
            for index in 0..<rank {
                for column in 0..<inputSize {
                    product[row * inputSize + column] +=
                        factor * left[row * rank + index] * right[index * inputSize + column]
                }
            }
        }
        return product
    }
}

extension SplitMix64 {
    /// A number of mean 0 and variance 1, near to normal: the sum of four uniform ones.
    ///
    /// No logarithm, so that every machine draws the same.
    mutating func bell() -> Double {
        let bits = next()
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + bits >> 48
        // Each of the four has the variance (65536^2 - 1) / 12.
        return (Double(sum) - 131_070) * (3.0.squareRoot() / 65_536)
    }
}
