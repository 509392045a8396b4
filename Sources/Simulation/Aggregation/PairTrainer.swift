internal import Tensors

/// Adam on a low-rank pair, with fresh moments and for chosen directions only.
///
/// Rows are padded to whole vectors of eight; the padding is 0 and stays it.
struct PairTrainer {
    /// The directions of each half that are trained.
    struct Trained {
        let input: [Int]
        let output: [Int]
    }

    /// Rows of equal length in whole vectors.
    private struct Rows {
        let width: Int
        let vectorCount: Int
        var vectors: [SIMD8<Float>]

        init(_ values: [Float], width: Int) {
            self.width = width
            vectorCount = (width + 7) / 8
            let rowCount = values.count / width
            vectors = [SIMD8<Float>](repeating: .zero, count: rowCount * vectorCount)
            for (index, value) in values.enumerated() {
                vectors[index / width * vectorCount + index % width / 8][index % width % 8] = value
            }
        }

        var values: [Float] {
            (0..<vectors.count / max(vectorCount, 1) * width).map { index in
                vectors[index / width * vectorCount + index % width / 8][index % width % 8]
            }
        }
    }

    private struct Moments {
        var means: [SIMD8<Float>]
        var squares: [SIMD8<Float>]

        init(like rows: Rows) {
            means = [SIMD8<Float>](repeating: .zero, count: rows.vectors.count)
            squares = means
        }
    }

    private static let (firstDecay, secondDecay) = (Float(0.9), Float(0.999))

    private var aRows: Rows
    private var bRows: Rows
    private let target: Rows
    private let deviation: [Double]
    private let rank: Int
    private let trained: Trained
    private var aMoments: Moments
    private var bMoments: Moments
    /// 1 where a direction of B is trained.
    private let mask: [SIMD8<Float>]
    private var decays = (first: Float(1), second: Float(1))

    /// Takes A and B row-major, and a node's target and inputs.
    init(
        a: [Float], b: [Float], rank: Int, trained: Trained, target: [Double],
        deviation: [Double]
    ) {
        aRows = Rows(a, width: deviation.count)
        bRows = Rows(b, width: rank)
        self.target = Rows(target.map { Float($0) }, width: deviation.count)
        self.deviation = deviation
        self.rank = rank
        self.trained = trained
        aMoments = Moments(like: aRows)
        bMoments = Moments(like: bRows)
        mask = Rows((0..<rank).map { trained.output.contains($0) ? 1 : 0 }, width: rank).vectors
    }

    /// Row-major [rank, input].
    var a: [Float] { aRows.values }
    /// Row-major [output, rank].
    var b: [Float] { bRows.values }

    /// One step on so many fresh inputs.
    mutating func step(
        batchSize: Int, learningRate: Float, generator: inout SplitMix64
    ) {
        var aGradient = [SIMD8<Float>](repeating: .zero, count: aRows.vectors.count)
        var bGradient = [SIMD8<Float>](repeating: .zero, count: bRows.vectors.count)
        for _ in 0..<batchSize {
            let x = Rows(
                deviation.map { Float(generator.bell() * $0) }, width: deviation.count
            ).vectors
            addGradients(of: x, to: &aGradient, &bGradient)
        }
        decays.first *= Self.firstDecay
        decays.second *= Self.secondDecay
        let scale = 2 / Float(batchSize)
        let width = aRows.vectorCount
        for direction in trained.input {
            for index in direction * width..<(direction + 1) * width {
                aRows.vectors[index] -=
                    learningRate * move(for: scale * aGradient[index], &aMoments, index)
            }
        }
        guard !trained.output.isEmpty else { return }
        for index in bRows.vectors.indices {
            bRows.vectors[index] -=
                learningRate * mask[index % bRows.vectorCount]
                * move(for: scale * bGradient[index], &bMoments, index)
        }
    }

    /// Adds the gradients of the squared error at one input, halved.
    private func addGradients(
        of x: [SIMD8<Float>], to aGradient: inout [SIMD8<Float>],
        _ bGradient: inout [SIMD8<Float>]
    ) {
        let (inputs, directions) = (aRows.vectorCount, bRows.vectorCount)
        var hidden = [SIMD8<Float>](repeating: .zero, count: directions)
        for direction in 0..<rank {
            hidden[direction / 8][direction % 8] = Self.product(
                aRows.vectors, direction * inputs, x, count: inputs)
        }
        var pulled = [SIMD8<Float>](repeating: .zero, count: directions)
        for output in 0..<bRows.vectors.count / directions {
            let start = output * directions
            let error =
                Self.product(bRows.vectors, start, hidden, count: directions)
                - Self.product(target.vectors, output * inputs, x, count: inputs)
            for index in 0..<directions {
                bGradient[start + index] += error * hidden[index]
                pulled[index] += error * bRows.vectors[start + index]
            }
        }
        for direction in trained.input {
            let factor = pulled[direction / 8][direction % 8]
            for index in 0..<inputs {
                aGradient[direction * inputs + index] += factor * x[index]
            }
        }
    }

    private func move(
        for gradient: SIMD8<Float>, _ moments: inout Moments, _ index: Int
    ) -> SIMD8<Float> {
        moments.means[index] =
            Self.firstDecay * moments.means[index] + (1 - Self.firstDecay) * gradient
        moments.squares[index] =
            Self.secondDecay * moments.squares[index]
            + (1 - Self.secondDecay) * gradient * gradient
        let square = moments.squares[index] / (1 - decays.second)
        return moments.means[index] / (1 - decays.first) / (square.squareRoot() + 1e-8)
    }

    /// Lane by lane, and then the lanes in pairs.
    private static func product(
        _ rows: [SIMD8<Float>], _ start: Int, _ other: [SIMD8<Float>], count: Int
    ) -> Float {
        var lanes = SIMD8<Float>.zero
        for index in 0..<count { lanes += rows[start + index] * other[index] }
        let four = lanes.lowHalf + lanes.highHalf
        let two = four.lowHalf + four.highHalf
        return two.x + two.y
    }
}
