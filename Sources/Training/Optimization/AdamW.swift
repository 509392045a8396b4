/// Adam with decoupled weight decay, in the order of operations of `torch.optim.AdamW`.
///
/// Scalars are computed in Double and rounded once, elements and moments are Float, as in PyTorch:
///
///     p ← p (1 − lr λ)
///     m ← m + (1 − β1)(g − m)
///     v ← v β2 + (1 − β2) g g
///     p ← p − (lr / (1 − β1^k)) m / (√v / √(1 − β2^k) + ε)
///
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
public struct AdamW: Hashable, Sendable {
    /// β1: how much of the first moment a step keeps.
    public let beta1: Double
    /// β2: how much of the second moment a step keeps.
    public let beta2: Double
    /// ε, added to the root of the second moment.
    public let epsilon: Double
    /// λ, the decay of a step as a share of the learning rate.
    public let weightDecay: Double

    /// The steps taken since the moments were zero: k of the bias correction.
    public internal(set) var stepCount = 0
    /// m, one per parameter.
    public internal(set) var firstMoments: [Float]
    /// v, one per parameter.
    public internal(set) var secondMoments: [Float]

    /// Makes an optimizer whose moments are zero.
    ///
    /// The defaults of β1, β2 and ε are those of PyTorch. Decay is off: an adapter starts at zero
    /// and is small already, and PEFT's own recipes leave it off.
    public init(
        parameterCount: Int,
        beta1: Double = 0.9,
        beta2: Double = 0.999,
        epsilon: Double = 1e-8,
        weightDecay: Double = 0
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        firstMoments = [Float](repeating: 0, count: parameterCount)
        secondMoments = [Float](repeating: 0, count: parameterCount)
    }

    /// Moves the parameters one step against their gradients.
    ///
    /// - Complexity: O(n).
    public mutating func update(
        _ parameters: inout MutableSpan<Float>,
        gradients: Span<Float>,
        learningRate: Double
    ) {
        precondition(
            parameters.count == firstMoments.count && gradients.count == firstMoments.count,
            "\(parameters.count) parameters, \(gradients.count) gradients, "
                + "\(firstMoments.count) moments"
        )
        stepCount += 1
        let correction1 = 1 - Self.power(beta1, stepCount)
        let correction2 = 1 - Self.power(beta2, stepCount)
        let keep = Float(1 - learningRate * weightDecay)
        let blend = Float(1 - beta1)
        let decay2 = Float(beta2)
        let blend2 = Float(1 - beta2)
        let root = Float(correction2.squareRoot())
        let small = Float(epsilon)
        let stride = Float(-(learningRate / correction1))
        // Moved out and back: two spans into one value would overlap in the compiler's eyes.
        var firstMoments: [Float] = []
        var secondMoments: [Float] = []
        swap(&firstMoments, &self.firstMoments)
        swap(&secondMoments, &self.secondMoments)
        var firsts = firstMoments.mutableSpan
        var seconds = secondMoments.mutableSpan
        for index in parameters.indices {
            let gradient = gradients[index]
            let first = firsts[index] + blend * (gradient - firsts[index])
            let second = seconds[index] * decay2 + blend2 * gradient * gradient
            firsts[index] = first
            seconds[index] = second
            let divisor = second.squareRoot() / root + small
            parameters[index] = parameters[index] * keep + stride * first / divisor
        }
        swap(&firstMoments, &self.firstMoments)
        swap(&secondMoments, &self.secondMoments)
    }

    /// Forgets all moments and starts to count steps anew.
    public mutating func reset() {
        stepCount = 0
        for index in firstMoments.indices {
            firstMoments[index] = 0
            secondMoments[index] = 0
        }
    }

    /// The power of a base to a count, by squaring: the same bits on every C library.
    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var square = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}
