internal import Tensors

extension LlamaRelative {
    func loss(_ batch: TokenBatch, hiddenTap: any HiddenStateTap) -> LossSum {
        body.loss(batch, hiddenTap: hiddenTap)
    }

    func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        hiddenTap: any HiddenStateTap
    ) -> LossSum {
        body.accumulateGradients(batch, normalizer: normalizer, hiddenTap: hiddenTap)
    }

    func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        hiddenTap: any HiddenStateTap
    ) -> [Float] {
        body.nextLogits(appending: tokens, to: state, hiddenTap: hiddenTap)
    }

    func memory(rowCount: Int, length: Int, hiddenTap: any HiddenStateTap) -> ModelMemory {
        body.memory(rowCount: rowCount, length: length, hiddenTap: hiddenTap)
    }

    func logits(_ batch: TokenBatch, hiddenTap: any HiddenStateTap) -> FloatTensor {
        body.logits(batch, hiddenTap: hiddenTap)
    }
}
