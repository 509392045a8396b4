public import Checkpoints
internal import Kernels
public import Tensors

/// A decoder-only language model with frozen weights.
///
/// Not `Sendable`: one thread at a time uses it, because the buffers of a pass are kept for the
/// next one.
public final class CausalLanguageModel {
    /// How it computes.
    public let options: ModelOptions

    let architecture: any LanguageModelArchitecture

    /// Reads all weights of a source once.
    ///
    /// Nothing of the source is kept but the memory maps of weights that are used in place.
    ///
    /// - Throws: `ModelError`, when the architecture is not registered, or a tensor is missing, has
    ///   another shape or holds values that are not finite.
    /// - Complexity: O(weights), in time and memory: as many bytes per weight as `options` say.
    public init(
        source: any TensorSource,
        options: ModelOptions = ModelOptions(),
        registry: ModelRegistry = .standard
    ) throws(ModelError) {
        self.options = options
        architecture = try registry.makeModel(from: source, options: options)
        FloatBuffer.releaseFreeMemory()
    }

    /// The architecture and its extents.
    public var configuration: ModelConfiguration { architecture.configuration }

    /// The summed loss of a batch; keeps nothing.
    ///
    /// Token ids and targets must be below the vocabulary size.
    public func loss(_ batch: TokenBatch, tap: (any ProjectionTap)? = nil) -> LossSum {
        check(batch)
        guard batch.targetCount > 0 else { return LossSum() }
        return architecture.loss(batch, tap: tap)
    }

    /// Has the tap add the gradient of (summed loss) / `normalizer` to its buffer.
    public func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        tap: any ProjectionTap
    ) -> LossSum {
        check(batch)
        precondition(normalizer > 0 && normalizer.isFinite, "normalizer \(normalizer)")
        guard batch.targetCount > 0 else { return LossSum() }
        return architecture.accumulateGradients(batch, normalizer: normalizer, tap: tap)
    }

    /// An empty state for up to `capacity` positions.
    public func makeGenerationState(capacity: Int) -> GenerationState {
        architecture.makeGenerationState(capacity: capacity)
    }

    /// Appends tokens to a state and returns the logits after the last of them.
    ///
    /// - Returns: one value per entry of the vocabulary.
    public func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        tap: (any ProjectionTap)? = nil
    ) -> [Float] {
        check(tokens, appendedTo: state)
        return architecture.nextLogits(appending: tokens, to: state, tap: tap)
    }

    /// What a training pass over `rowCount` positions, in sequences of `length`, takes.
    public func memory(
        rowCount: Int,
        length: Int,
        tap: (any ProjectionTap)? = nil
    ) -> ModelMemory {
        architecture.memory(rowCount: rowCount, length: length, tap: tap)
    }

    /// The logits of every position of a batch, for comparisons of small models.
    ///
    /// - Returns: Shape: [sequence x position, vocabulary].
    public func logits(_ batch: TokenBatch, tap: (any ProjectionTap)? = nil) -> FloatTensor {
        check(batch)
        return architecture.logits(batch, tap: tap)
    }

    func check(_ tokens: [Int32], appendedTo state: GenerationState) {
        precondition(!tokens.isEmpty, "no tokens to continue from")
        precondition(
            state.count + tokens.count <= state.capacity,
            "\(tokens.count) tokens after \(state.count) of \(state.capacity)"
        )
        check(tokens)
    }

    func check(_ batch: TokenBatch) {
        check(batch.inputs)
        for target in batch.targets {
            precondition(
                target >= -1 && target < configuration.vocabularySize,
                "target \(target) of a vocabulary of \(configuration.vocabularySize)"
            )
        }
    }

    func check(_ tokens: [Int32]) {
        for token in tokens {
            precondition(
                token >= 0 && token < configuration.vocabularySize,
                "token \(token) of a vocabulary of \(configuration.vocabularySize)"
            )
        }
    }
}
