/// A run of tokens that the model sees at once, and which of them it shall predict.
public struct TokenRow: Hashable, Sendable {
    /// The tokens; all but the last are inputs, all but the first can be targets.
    public let tokens: [Int32]
    /// The positions in `tokens` that are to be predicted: ascending, apart, within
    /// `1..<tokens.count`.
    public let targetRanges: [Range<Int>]
    /// The bytes of text that the row stands for when loss is told per byte.
    public let byteCount: Int

    /// Makes a row every token of which, but the first, is to be predicted.
    public init(text tokens: [Int32], byteCount: Int) {
        self.tokens = tokens
        self.targetRanges = tokens.count > 1 ? [1..<tokens.count] : []
        self.byteCount = byteCount
    }

    /// Makes a row with chosen targets.
    public init(tokens: [Int32], targetRanges: [Range<Int>], byteCount: Int) {
        var end = 1
        for range in targetRanges {
            precondition(
                range.lowerBound >= end && range.upperBound <= tokens.count,
                "targets \(range) after \(end) in \(tokens.count) tokens"
            )
            end = range.upperBound
        }
        self.tokens = tokens
        self.targetRanges = targetRanges.filter { !$0.isEmpty }
        self.byteCount = byteCount
    }

    /// The number of positions that the model computes: one less than there are tokens.
    public var inputCount: Int { max(tokens.count - 1, 0) }

    /// The number of tokens to predict.
    public var targetCount: Int { targetRanges.reduce(0) { $0 + $1.count } }
}
