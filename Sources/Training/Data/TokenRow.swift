/// A run of tokens that the model sees at once, and which of them it shall predict.
public struct TokenRow: Hashable, Sendable {
    /// The tokens; all but the last are inputs, all but the first can be targets.
    public let tokens: [Int32]
    /// The positions in `tokens` that are to be predicted: ascending, apart, within
    /// `1..<tokens.count`.
    public let targetRanges: [Range<Int>]
    /// The bytes of text that the row stands for when loss is told per byte.
    public let byteCount: Int
    /// The tokens from the first on that see one another, the later ones too; 0 where every token
    /// sees only what comes before it.
    ///
    /// No target lies among them, or the model would see what it is to predict.
    public let prefixCount: Int

    /// Makes a row every token of which, but the first, is to be predicted.
    public init(text tokens: [Int32], byteCount: Int) {
        self.tokens = tokens
        self.targetRanges = tokens.count > 1 ? [1..<tokens.count] : []
        self.byteCount = byteCount
        prefixCount = 0
    }

    /// Makes a row with chosen targets, none of them inside the prefix.
    public init(
        tokens: [Int32],
        targetRanges: [Range<Int>],
        byteCount: Int,
        prefixCount: Int = 0
    ) {
        precondition(
            prefixCount >= 0 && prefixCount < max(tokens.count, 1),
            "a prefix of \(prefixCount) in \(tokens.count) tokens"
        )
        var end = max(prefixCount, 1)
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
        self.prefixCount = prefixCount
    }

    /// The number of positions that the model computes: one less than there are tokens.
    public var inputCount: Int { max(tokens.count - 1, 0) }

    /// The number of tokens to predict.
    public var targetCount: Int { targetRanges.reduce(0) { $0 + $1.count } }
}
