public import Tensors

/// The same with an adapter whose place is known only when the program runs.
extension CausalLanguageModel {
    /// The summed loss of a batch; keeps nothing.
    ///
    /// Token ids and targets must be below the vocabulary size.
    public func loss(_ batch: TokenBatch, through tap: ModelTap) -> LossSum {
        switch tap {
        case .projections(let tap): return loss(batch, tap: tap)
        case .hiddenStates(let tap):
            check(batch)
            guard batch.targetCount > 0 else { return LossSum() }
            return architecture.loss(batch, hiddenTap: tap)
        }
    }

    /// Has the tap add the gradient of (summed loss) / `normalizer` to its buffer.
    public func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        through tap: ModelTap
    ) -> LossSum {
        switch tap {
        case .projections(let tap):
            return accumulateGradients(batch, normalizer: normalizer, tap: tap)
        case .hiddenStates(let tap):
            check(batch)
            precondition(normalizer > 0 && normalizer.isFinite, "normalizer \(normalizer)")
            guard batch.targetCount > 0 else { return LossSum() }
            return architecture.accumulateGradients(
                batch, normalizer: normalizer, hiddenTap: tap)
        }
    }

    /// Appends tokens to a state and returns the logits after the last of them.
    ///
    /// - Returns: one value per entry of the vocabulary.
    public func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        through tap: ModelTap
    ) -> [Float] {
        switch tap {
        case .projections(let tap): return nextLogits(appending: tokens, to: state, tap: tap)
        case .hiddenStates(let tap):
            check(tokens, appendedTo: state)
            return architecture.nextLogits(appending: tokens, to: state, hiddenTap: tap)
        }
    }

    /// What a training pass over `rowCount` positions, in sequences of `length`, takes.
    public func memory(rowCount: Int, length: Int, through tap: ModelTap) -> ModelMemory {
        switch tap {
        case .projections(let tap): memory(rowCount: rowCount, length: length, tap: tap)
        case .hiddenStates(let tap):
            architecture.memory(rowCount: rowCount, length: length, hiddenTap: tap)
        }
    }

    /// The logits of every position of a batch, for comparisons of small models.
    ///
    /// - Returns: Shape: [sequence x position, vocabulary].
    public func logits(_ batch: TokenBatch, through tap: ModelTap) -> FloatTensor {
        switch tap {
        case .projections(let tap): return logits(batch, tap: tap)
        case .hiddenStates(let tap):
            check(batch)
            return architecture.logits(batch, hiddenTap: tap)
        }
    }
}
