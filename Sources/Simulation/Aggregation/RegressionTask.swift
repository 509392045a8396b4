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
/// entries have the variance 0.88^2 / 48 and S's 1.37^2 / 48, which puts the floor and the factor
/// mean about where the reference has them, and a step sees 32 inputs.
struct RegressionTask {
    /// The extents of a task.
    struct Size: Hashable, Sendable {
        var output = 64
        var input = 48
        var sharedRank = 12
        var batch = 32
    }

    private static let shiftRank = 2
    private static let sharedScale = 0.88
    private static let shiftScale = 1.37
    private static let quietDeviation = 0.25

    let size: Size
    /// Row-major [output, input], one for each node.
    let targets: [[Double]]
    /// The standard deviation of each input, one list for each node.
    let deviations: [[Double]]

    init(nodeCount: Int, size: Size, shift: Double, generator: inout SplitMix64) {
        self.size = size
        let shared = Self.product(
            size, rank: size.sharedRank, scale: Self.sharedScale, &generator)
        var targets: [[Double]] = []
        var deviations: [[Double]] = []
        for _ in 0..<nodeCount {
            let own = Self.product(
                size, rank: Self.shiftRank, scale: Self.shiftScale, &generator)
            targets.append(shared.indices.map { shared[$0] + shift * own[$0] })
            var deviation = [Double](repeating: 1, count: size.input)
            let order = generator.permutation(of: size.input)
            for input in order.prefix(size.input / 2) {
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
                    (matrix[element] - target[element]) * deviation[element % size.input]
                sum += scaled * scaled
            }
        }
        return sum / Double(targets.count * size.output)
    }

    /// The error of the best matrix there is.
    var floor: Double {
        let best = (0..<size.output * size.input).map { element in
            var (sum, weight) = (0.0, 0.0)
            for (target, deviation) in zip(targets, deviations) {
                let variance = deviation[element % size.input] * deviation[element % size.input]
                sum += variance * target[element]
                weight += variance
            }
            return sum / weight
        }
        return error(of: best)
    }

    private static func product(
        _ size: Size, rank: Int, scale: Double, _ generator: inout SplitMix64
    ) -> [Double] {
        let left = (0..<size.output * rank).map { _ in generator.bell() }
        let right = (0..<rank * size.input).map { _ in generator.bell() }
        let factor = scale / Double(rank * size.input).squareRoot()
        var product = [Double](repeating: 0, count: size.output * size.input)
        for row in 0..<size.output {
            for index in 0..<rank {
                for column in 0..<size.input {
                    product[row * size.input + column] +=
                        factor * left[row * rank + index] * right[index * size.input + column]
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
