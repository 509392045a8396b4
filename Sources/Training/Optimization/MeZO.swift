internal import Glibc
internal import Tensors

/// Descent without a backward pass: a step goes along one random direction, as far as the loss
/// differs between its two sides.
///
/// With z drawn from N(0, I) anew for every step,
///
///     g = (L(p + ε z) − L(p − ε z)) / 2ε,   p ← p (1 − lr λ) − lr g z
///
/// z is never kept: the step's seed draws it again each time, so beside the parameters there is
/// nothing to remember, and memory is that of inference.
///
/// Source: Malladi et al. 2023, "Fine-Tuning Language Models with Just Forward Passes", arXiv
/// 2305.17333, algorithm 1.
///
/// ### Deviations
/// The way back from the last side and the step are one pass over the parameters. The drawn values
/// depend on the C library's logarithm, so runs are the same bits on machines with the same one.
public struct MeZO: Hashable, Sendable {
    /// The published rate for low-rank adapters.
    public static let learningRate = 1e-4
    /// The published ε for low-rank adapters.
    public static let perturbation = 1e-2

    /// ε: how far from the parameters the loss is taken.
    public let perturbation: Double
    /// λ, the decay of a step as a share of the learning rate.
    public let weightDecay: Double
    /// What decides all directions.
    public let seed: UInt64

    /// Makes an optimizer of one run.
    public init(
        seed: UInt64,
        perturbation: Double = MeZO.perturbation,
        weightDecay: Double = 0
    ) {
        self.seed = seed
        self.perturbation = perturbation
        self.weightDecay = weightDecay
    }

    /// p ← p + factor z of a step, from 0.
    ///
    /// - Complexity: O(n).
    public func move(_ parameters: inout MutableSpan<Float>, by factor: Double, step: Int) {
        update(&parameters, forward: factor, keep: 1, back: 0, step: step)
    }

    /// From p − ε z to the step's end: p (1 − lr λ) − lr g z.
    public func finish(
        _ parameters: inout MutableSpan<Float>,
        projectedGradient: Double,
        learningRate: Double,
        step: Int
    ) {
        update(
            &parameters, forward: perturbation, keep: 1 - learningRate * weightDecay,
            back: learningRate * projectedGradient, step: step)
    }

    /// g of the losses on both sides.
    public func projectedGradient(above: Double, below: Double) -> Double {
        (above - below) / (2 * perturbation)
    }

    /// Sets p to (p + forward z) keep − back z.
    private func update(
        _ parameters: inout MutableSpan<Float>,
        forward: Double,
        keep: Double,
        back: Double,
        step: Int
    ) {
        var direction = GaussianSequence(seed: seed, step: step)
        let (forward, keep, back) = (Float(forward), Float(keep), Float(back))
        for index in parameters.indices {
            let z = direction.next()
            parameters[index] = (parameters[index] + forward * z) * keep - back * z
        }
    }
}

/// The values of one step's direction: independent, of mean 0 and variance 1.
///
/// Source: Marsaglia and Bray 1964, "A convenient method for generating normal variables": a point of
/// the unit disc gives two.
struct GaussianSequence {
    private var generator: SplitMix64
    private var spare: Float?

    init(seed: UInt64, step: Int) {
        // The order of rows is drawn from the seed itself.
        generator = SplitMix64(seed: seed ^ 0x4D65_5A4F, stream: UInt64(step))
    }

    mutating func next() -> Float {
        if let value = spare {
            spare = nil
            return value
        }
        while true {
            let x = 2 * generator.fraction() - 1
            let y = 2 * generator.fraction() - 1
            let square = x * x + y * y
            guard square > 0, square < 1 else { continue }
            let factor = (-2 * log(square) / square).squareRoot()
            spare = Float(y * factor)
            return Float(x * factor)
        }
    }
}
