internal import Glibc

/// A learning rate that rises in a line, then falls or stays.
///
/// With `w` warm-up steps of `n` in all, step `k` (from 0) has `peak (k + 1) / w` while `k < w`, so
/// that no step is wasted on a rate of zero. Then, with p = (k − w) / (n − w), it is
///
/// - cosine: `floor + (peak − floor)(1 + cos(π p)) / 2`,
/// - linear: `floor + (peak − floor)(1 − p)`,
/// - constant: `peak`.
///
/// From step `n` on a falling rate is `floor`.
/// Source: Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, one period; the names are those of
/// Hugging Face's `lr_scheduler_type`.
public struct LearningRateSchedule: Hashable, Sendable {
    /// How the rate goes on after the warm-up.
    public enum Decay: String, Hashable, Sendable, CaseIterable {
        case cosine, linear, constant
    }

    /// How the rate goes on after the warm-up.
    public let decay: Decay
    /// The rate at the end of the warm-up.
    public let peak: Double
    /// The rate that it falls to.
    public let floor: Double
    /// w.
    public let warmupStepCount: Int
    /// n.
    public let totalStepCount: Int

    /// Makes a schedule; a warm-up longer than the run is the whole run.
    public init(
        decay: Decay = .cosine,
        peak: Double,
        floor: Double = 0,
        warmupStepCount: Int,
        totalStepCount: Int
    ) {
        precondition(
            warmupStepCount >= 0 && totalStepCount >= 0,
            "\(warmupStepCount) warm-up steps of \(totalStepCount)"
        )
        self.decay = decay
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
        if decay == .constant { return peak }
        guard step < totalStepCount else { return floor }
        let progress =
            Double(step - warmupStepCount) / Double(totalStepCount - warmupStepCount)
        let share = decay == .cosine ? (1 + cos(.pi * progress)) / 2 : 1 - progress
        return floor + (peak - floor) * share
    }
}
