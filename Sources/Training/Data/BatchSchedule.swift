internal import Tensors

/// Which rows each optimizer step sees: a function of seed and step, and of nothing else.
///
/// Rows are taken one after another from an endless list: epoch 0 in a random order, epoch 1 in
/// another, and so on. Step `k` takes the `batchSize` places from `k * batchSize` on, so a batch may
/// hold the end of one epoch and the start of the next. The order of epoch `e` is the permutation
/// that `SplitMix64(seed:stream:)` gives for the seed and stream `e`. To continue a run it is
/// enough to know its seed and its step.
public struct BatchSchedule: Sendable {
    /// The number of rows to choose from; at least 1.
    public let rowCount: Int
    /// The rows of one batch; at least 1.
    public let batchSize: Int
    /// What decides the orders.
    public let seed: UInt64

    private var epoch = -1
    private var order: [Int] = []

    /// Makes the schedule of a run.
    public init(rowCount: Int, batchSize: Int, seed: UInt64) {
        precondition(rowCount > 0, "\(rowCount) rows make no batch")
        precondition(batchSize > 0, "a batch of \(batchSize) rows")
        self.rowCount = rowCount
        self.batchSize = batchSize
        self.seed = seed
    }

    /// The rows of a step, counted from 0.
    ///
    /// - Complexity: O(batchSize), and O(rowCount) where an epoch begins.
    public mutating func rows(ofStep step: Int) -> [Int] {
        precondition(step >= 0, "step \(step)")
        return (0..<batchSize).map { place in
            let position = step * batchSize + place
            load(epoch: position / rowCount)
            return order[position % rowCount]
        }
    }

    /// The share of the first epoch's positions that would be padding.
    ///
    /// - Parameters:
    ///   - inputCounts: the positions that each row needs.
    ///   - rowsPerPass: the rows that are filled up to the longest among them.
    /// - Complexity: O(rowCount).
    func paddingShare(inputCounts: [Int], rowsPerPass: Int) -> Double {
        precondition(inputCounts.count == rowCount, "\(inputCounts.count) of \(rowCount) rows")
        var schedule = self
        var computed = 0
        var needed = 0
        for step in 0..<(rowCount + batchSize - 1) / batchSize {
            let counts = schedule.rows(ofStep: step).map { inputCounts[$0] }
            for start in stride(from: 0, to: counts.count, by: rowsPerPass) {
                let pass = counts[start..<min(start + rowsPerPass, counts.count)]
                computed += pass.count * (pass.max() ?? 0)
                needed += pass.reduce(0, +)
            }
        }
        return computed == 0 ? 0 : 1 - Double(needed) / Double(computed)
    }

    private mutating func load(epoch wanted: Int) {
        guard wanted != epoch else { return }
        var generator = SplitMix64(seed: seed, stream: UInt64(wanted))
        order = generator.permutation(of: rowCount)
        epoch = wanted
    }
}
