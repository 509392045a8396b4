/// Sequences of equal length with the token that each position shall predict.
public struct TokenBatch: Hashable, Sendable {
    /// The number of sequences, B.
    public let sequenceCount: Int
    /// The positions of each sequence, T.
    public let length: Int
    /// Shape: [sequence, position], row-major; token ids below the model's vocabulary size.
    public let inputs: [Int32]
    /// Shape: [sequence, position]; the id that follows each input, already shifted; -1 where the
    /// position does not count.
    public let targets: [Int32]

    /// Makes a batch whose two lists hold B x T ids each.
    public init(sequenceCount: Int, length: Int, inputs: [Int32], targets: [Int32]) {
        precondition(
            sequenceCount >= 0 && length >= 0 && inputs.count == sequenceCount * length
                && targets.count == inputs.count,
            "\(inputs.count) inputs and \(targets.count) targets for \(sequenceCount) x \(length)"
        )
        self.sequenceCount = sequenceCount
        self.length = length
        self.inputs = inputs
        self.targets = targets
    }

    /// The number of positions, B x T.
    public var positionCount: Int { inputs.count }

    /// The number of positions whose target counts.
    public var targetCount: Int { targets.count { $0 >= 0 } }
}
