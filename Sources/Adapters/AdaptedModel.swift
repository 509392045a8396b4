public import Checkpoints
public import Kernels
public import Models

/// A frozen model together with the adapter that is trained on it, or without one.
///
/// Not `Sendable`: one thread at a time uses it.
public final class AdaptedModel {
    /// The frozen model.
    public let model: CausalLanguageModel
    /// The adapter; `nil` leaves the model as it is.
    public let adapter: (any TrainableAdapter)?

    /// Pairs a model with an adapter that was made for its extents.
    public init(model: CausalLanguageModel, adapter: (any TrainableAdapter)?) {
        if let adapter {
            precondition(
                adapter.fits(model.configuration),
                "the adapter was made for another model"
            )
        }
        self.model = model
        self.adapter = adapter
    }

    /// The model's extents.
    public var configuration: ModelConfiguration { model.configuration }

    /// Adds the gradient of (sum of token losses) / `normalizer` to the adapter's gradients.
    ///
    /// There must be an adapter. Pass the positions of a whole step as the normalizer when a step
    /// has several batches. With a plan, elements of the adapter's input are dropped at random on
    /// the way forward and the same ones on the way back; nothing else ever drops any.
    public func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        dropout: DropoutPlan? = nil
    ) -> LossSum {
        guard let adapter else { preconditionFailure("there is no adapter to train") }
        adapter.drop(dropout, sequenceLength: batch.length)
        defer { adapter.drop(nil, sequenceLength: batch.length) }
        return model.accumulateGradients(batch, normalizer: normalizer, through: adapter.tap)
    }

    /// The summed loss; changes nothing.
    public func loss(_ batch: TokenBatch) -> LossSum {
        guard let adapter else { return model.loss(batch) }
        return model.loss(batch, through: adapter.tap)
    }

    /// The logits after the last of the tokens, of which there is at least one.
    public func nextLogits(tokens: [Int]) -> [Float] {
        let state = makeGenerationState(capacity: tokens.count)
        return nextLogits(appending: tokens, to: state)
    }

    /// An empty state for up to `capacity` positions, at most the model's `positionCountMax`.
    public func makeGenerationState(capacity: Int) -> GenerationState {
        model.makeGenerationState(capacity: capacity)
    }

    /// Appends tokens to a state and returns the logits after the last of them.
    public func nextLogits(appending tokens: [Int], to state: GenerationState) -> [Float] {
        let tokens = tokens.map { Int32(clamping: $0) }
        guard let adapter else { return model.nextLogits(appending: tokens, to: state) }
        return model.nextLogits(appending: tokens, to: state, through: adapter.tap)
    }

    /// Continues a prompt with the likeliest token each time.
    ///
    /// - Parameters:
    ///   - prompt: at least one token.
    ///   - count: the most tokens to make; fewer where the model's positions end.
    ///   - stop: tokens that end the text; the one met is not reported.
    ///   - each: is called with every new token.
    public func generate(prompt: [Int], count: Int, stop: Set<Int>, each: (Int) -> Void) {
        let room = configuration.positionCountMax - prompt.count
        let count = min(count, room)
        guard count > 0 else { return }
        let state = makeGenerationState(capacity: prompt.count + count)
        var next = prompt
        for _ in 0..<count {
            let logits = nextLogits(appending: next, to: state)
            let best = Self.indexOfLargest(logits)
            guard !stop.contains(best) else { return }
            each(best)
            next = [best]
        }
    }

    /// The first of the largest values.
    private static func indexOfLargest(_ values: [Float]) -> Int {
        var best = 0
        for (index, value) in values.enumerated() where value > values[best] {
            best = index
        }
        return best
    }
}

extension ModelConfiguration {
    /// Whether adapters of one fit the other.
    func hasSameProjections(as other: ModelConfiguration) -> Bool {
        layerCount == other.layerCount
            && Projection.allCases.allSatisfy {
                $0.weightShape(in: self) == $0.weightShape(in: other)
            }
    }
}
