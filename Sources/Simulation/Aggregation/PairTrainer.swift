internal import Tensors

/// Adam on a low-rank pair, with fresh moments and for chosen directions only.
struct PairTrainer {
    /// The directions of each half that are trained.
    struct Trained {
        let input: [Int]
        let output: [Int]
    }

    static let batchSize = 32
    private static let (firstDecay, secondDecay) = (0.9, 0.999)

    /// Row-major [rank, input].
    private(set) var a: [Double]
    /// Row-major [output, rank].
    private(set) var b: [Double]
    private let rank: Int
    private let trained: Trained
    private var moments: (a: [Double], b: [Double])
    private var squares: (a: [Double], b: [Double])
    private var decays = (first: 1.0, second: 1.0)

    init(a: [Double], b: [Double], rank: Int, trained: Trained) {
        self.a = a
        self.b = b
        self.rank = rank
        self.trained = trained
        moments = (a.map { _ in 0 }, b.map { _ in 0 })
        squares = moments
    }

    /// One step on fresh inputs.
    mutating func step(
        target: [Double], deviation: [Double], learningRate: Double,
        generator: inout SplitMix64
    ) {
        let (outputs, inputs) = (RegressionTask.outputSize, RegressionTask.inputSize)
        var gradientA = [Double](repeating: 0, count: a.count)
        var gradientB = [Double](repeating: 0, count: b.count)
        var x = [Double](repeating: 0, count: inputs)
        var hidden = [Double](repeating: 0, count: rank)
        var pulled = [Double](repeating: 0, count: rank)
        for _ in 0..<Self.batchSize {
            for input in 0..<inputs { x[input] = generator.bell() * deviation[input] }
            for direction in 0..<rank {
                hidden[direction] = Self.product(a, direction * inputs, x, 0, count: inputs)
                pulled[direction] = 0
            }
            for output in 0..<outputs {
                let error =
                    Self.product(b, output * rank, hidden, 0, count: rank)
                    - Self.product(target, output * inputs, x, 0, count: inputs)
                for direction in trained.output {
                    gradientB[output * rank + direction] += error * hidden[direction]
                }
                for direction in trained.input {
                    pulled[direction] += error * b[output * rank + direction]
                }
            }
            for direction in trained.input {
                for input in 0..<inputs {
                    gradientA[direction * inputs + input] += pulled[direction] * x[input]
                }
            }
        }
        decays.first *= Self.firstDecay
        decays.second *= Self.secondDecay
        for direction in trained.input {
            for input in 0..<inputs {
                let element = direction * inputs + input
                let gradient = gradientA[element] * 2 / Double(Self.batchSize)
                a[element] -=
                    learningRate
                    * move(for: gradient, &moments.a[element], &squares.a[element])
            }
        }
        for output in 0..<outputs {
            for direction in trained.output {
                let element = output * rank + direction
                let gradient = gradientB[element] * 2 / Double(Self.batchSize)
                b[element] -=
                    learningRate
                    * move(for: gradient, &moments.b[element], &squares.b[element])
            }
        }
    }

    private func move(
        for gradient: Double, _ moment: inout Double, _ square: inout Double
    ) -> Double {
        moment = Self.firstDecay * moment + (1 - Self.firstDecay) * gradient
        square = Self.secondDecay * square + (1 - Self.secondDecay) * gradient * gradient
        return moment / (1 - decays.first)
            / ((square / (1 - decays.second)).squareRoot() + 1e-8)
    }

    private static func product(
        _ left: [Double], _ leftStart: Int, _ right: [Double], _ rightStart: Int, count: Int
    ) -> Double {
        var (first, second, third, fourth) = (0.0, 0.0, 0.0, 0.0)
        var index = 0
        while index + 4 <= count {
            first += left[leftStart + index] * right[rightStart + index]
            second += left[leftStart + index + 1] * right[rightStart + index + 1]
            third += left[leftStart + index + 2] * right[rightStart + index + 2]
            fourth += left[leftStart + index + 3] * right[rightStart + index + 3]
            index += 4
        }
        while index < count {
            first += left[leftStart + index] * right[rightStart + index]
            index += 1
        }
        return (first + second) + (third + fourth)
    }
}
