internal import Glibc

/// How well a model predicts a text.
public struct Evaluation: Hashable, Sendable {
    /// The summed loss in nats.
    public let nats: Double
    /// The predicted tokens.
    public let tokenCount: Int
    /// The bytes of the evaluated text.
    public let byteCount: Int

    /// Makes an evaluation from its sums.
    public init(nats: Double, tokenCount: Int, byteCount: Int) {
        self.nats = nats
        self.tokenCount = tokenCount
        self.byteCount = byteCount
    }

    /// Nats per predicted token; not a number where nothing was predicted.
    public var loss: Double { nats / Double(tokenCount) }

    /// e to the loss.
    public var perplexity: Double { exp(loss) }

    /// Bits per byte of text: unlike the loss it compares models with different tokenizers.
    ///
    /// All bytes of the text count, also those of the few tokens that open a window and so are
    /// not predicted.
    public var bitsPerByte: Double { nats / log(2) / Double(byteCount) }
}
