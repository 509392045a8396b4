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
    /// Shape: [sequence, position]; where the text of each position begins in its sequence.
    ///
    /// Empty where every sequence is one text. A position sees none of the texts before its own,
    /// and its rotary position counts from there.
    public let segmentStarts: [Int32]
    /// Shape: [sequence, position]; the end of the prefix of each position's text, exclusive.
    ///
    /// Empty where attention is causal throughout. A position inside a prefix sees all of the
    /// prefix; behind it, as before, all up to itself.
    public let prefixEnds: [Int32]

    /// Makes a batch whose lists hold B x T values each, or none where they may be empty.
    public init(
        sequenceCount: Int,
        length: Int,
        inputs: [Int32],
        targets: [Int32],
        segmentStarts: [Int32] = [],
        prefixEnds: [Int32] = []
    ) {
        precondition(
            sequenceCount >= 0 && length >= 0 && inputs.count == sequenceCount * length
                && targets.count == inputs.count,
            "\(inputs.count) inputs and \(targets.count) targets for \(sequenceCount) x \(length)"
        )
        precondition(
            (segmentStarts.isEmpty || segmentStarts.count == inputs.count)
                && (prefixEnds.isEmpty || prefixEnds.count == inputs.count),
            "\(segmentStarts.count) starts and \(prefixEnds.count) ends for \(inputs.count) inputs"
        )
        for index in segmentStarts.indices {
            let position = index % length
            precondition(
                segmentStarts[index] >= 0 && segmentStarts[index] <= position,
                "position \(position) in a text from \(segmentStarts[index])"
            )
        }
        for end in prefixEnds {
            precondition(end >= 0 && end <= length, "a prefix to \(end) of \(length)")
        }
        self.segmentStarts = segmentStarts
        self.prefixEnds = prefixEnds
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
