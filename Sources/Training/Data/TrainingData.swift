internal import Tensors

/// Rows to train on and rows kept apart to see whether it helps.
public struct TrainingData: Sendable {
    /// The rows to train on.
    public let training: [TokenRow]
    /// The rows that are never trained on; no token of the files is in both.
    public let heldOut: [TokenRow]
    /// What became of the examples.
    public let census: Census

    /// What became of the examples, so that nothing is left out silently.
    public struct Census: Hashable, Sendable {
        /// The examples that were read.
        public var exampleCount = 0
        /// Examples whose end did not fit a row.
        public var truncatedCount = 0
        /// Examples without a token to predict.
        public var droppedCount = 0
        /// Examples, or windows of a text, that repeat an earlier one token by token.
        public var duplicateCount = 0

        /// Makes a census of nothing.
        public init() {}
    }

    /// Makes data from rows that somebody else has split.
    public init(training: [TokenRow], heldOut: [TokenRow] = [], census: Census = Census()) {
        self.training = training
        self.heldOut = heldOut
        self.census = census
    }

    /// Encodes a data set and splits it.
    ///
    /// What is split are *units*: the windows of a text file, else the examples of a JSONL file with
    /// all their rows. A unit that repeats an earlier one is left out, so that nothing is both
    /// learned and held out. Of n units, `heldOutFraction` times n, rounded, are held out, at least
    /// one where the fraction is above zero and at most n - 1: the first in the permutation that
    /// seed and a stream of its own give. Both parts keep the order of the files.
    ///
    /// - Throws: `DatasetError.nothingToLearn` if no unit is left, and what the encoder throws.
    public init(
        _ dataset: TextDataset,
        encoder: ExampleEncoder,
        heldOutFraction: Double,
        seed: UInt64
    ) throws(DatasetError) {
        var census = Census()
        census.exampleCount = dataset.examples.count
        var units: [[TokenRow]] = []
        var seen: Set<[[Int32]]> = []
        for example in dataset.examples {
            let encoded = try encoder.encode(example)
            if encoded.isTruncated { census.truncatedCount += 1 }
            if encoded.rows.isEmpty { census.droppedCount += 1 }
            let isWholeFile = example.origin.line == nil
            for unit in isWholeFile ? encoded.rows.map({ [$0] }) : [encoded.rows]
            where !unit.isEmpty {
                if seen.insert(unit.map(\.tokens)).inserted {
                    units.append(unit)
                } else {
                    census.duplicateCount += 1
                }
            }
        }
        guard !units.isEmpty else {
            throw .nothingToLearn(
                exampleCount: census.exampleCount,
                droppedCount: census.droppedCount
            )
        }
        let heldOut = Self.heldOut(of: units.count, fraction: heldOutFraction, seed: seed)
        training = units.indices.filter { !heldOut.contains($0) }.flatMap { units[$0] }
        self.heldOut = units.indices.filter(heldOut.contains).flatMap { units[$0] }
        self.census = census
    }

    /// The stream of the generator that splits; those from 0 on order epochs.
    private static let splitStream = UInt64.max

    /// The units to hold out of `count`.
    static func heldOut(of count: Int, fraction: Double, seed: UInt64) -> Set<Int> {
        guard fraction > 0, count > 1 else { return [] }
        let wanted = (min(fraction, 1) * Double(count)).rounded()
        var generator = SplitMix64(seed: seed, stream: splitStream)
        let order = generator.permutation(of: count)
        return Set(order.prefix(min(max(Int(wanted), 1), count - 1)))
    }
}
