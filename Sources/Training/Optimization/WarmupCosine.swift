internal import Glibc

/// A learning rate that rises in a line, then falls along half a cosine.
///
/// With `w` warm-up steps of `n` in all, step `k` (from 0) has `peak (k + 1) / w` while `k < w`, so
/// that no step is wasted on a rate of zero; then
/// `floor + (peak − floor)(1 + cos(π (k − w) / (n − w))) / 2`. From step `n` on it is `floor`.
/// Source: Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, one period.
public struct WarmupCosine: Hashable, Sendable {
    /// The rate at the end of the warm-up.
    public let peak: Double
    /// The rate that the cosine falls to.
    public let floor: Double
    /// w.
    public let warmupStepCount: Int
    /// n.
    public let totalStepCount: Int

    /// Makes a schedule; a warm-up longer than the run is the whole run.
    public init(peak: Double, floor: Double = 0, warmupStepCount: Int, totalStepCount: Int) {
        precondition(
            warmupStepCount >= 0 && totalStepCount >= 0,
            "\(warmupStepCount) warm-up steps of \(totalStepCount)"
        )
        self.peak = peak
        self.floor = floor
        self.warmupStepCount = min(warmupStepCount, totalStepCount)
        self.totalStepCount = totalStepCount
    }

    /// The rate of a step, counted from 0.
    public func learningRate(atStep step: Int) -> Double {
        precondition(step >= 0, "step \(step)")
        if step < warmupStepCount {
            return peak * Double(step + 1) / Double(warmupStepCount)
        }
        guard step < totalStepCount else { return floor }
        let progress =
            Double(step - warmupStepCount) / Double(totalStepCount - warmupStepCount)
        return floor + (peak - floor) * (1 + cos(.pi * progress)) / 2
    }
}
