internal import Adapters
internal import Checkpoints
internal import Kernels
internal import Models

/// The operations of a step, two for each multiplication with its addition.
extension PlanPrediction {
    func secondsPerStep(_ shape: PlanShape) -> Double {
        guard shape.method != .relay else { return 0 }
        let rate = (request.gigaflops ?? request.defaultGigaflops) * 1e9
        return Double(request.batchSize) * operationsPerRow(shape) / rate + readingSeconds(shape)
    }

    /// Streamed weights are read anew by every pass, forward and back, at 10^9 bytes a second: a disk's
    /// speed, and less than that of a file that the system still has.
    private func readingSeconds(_ shape: PlanShape) -> Double {
        guard shape.isStreamed else { return 0 }
        let passes = (request.batchSize + shape.microBatchSize - 1) / shape.microBatchSize
        return Double(2 * passes * request.model.weightByteCount(.mapped)) / 1e9
    }

    /// The operations of one row of the wanted length, every position of which is predicted.
    func operationsPerRow(_ shape: PlanShape) -> Double {
        let model = request.model.configuration
        let positions = Double(shape.length)
        let head = 2 * Double(model.hiddenSize * model.vocabularySize)
        let forward =
            Double(model.layerCount) * layerOperations(shape) + head
            + 2 * Double(adapterCount(shape))
        switch shape.method {
        case .relay: return 0
        case .mezo: return 2 * positions * forward
        case .read:
            let adapter = READOutline(configuration: request.read, model: model)
            let own = adapter.operationCount(rowCount: shape.length)
            return positions * (forward + head) + Double(own)
        case .lora:
            return positions * (forward + head + backwardOperations(shape))
        }
    }

    /// Per position: the products with a layer's weights, and scores and their use over half of the
    /// positions.
    private func layerOperations(_ shape: PlanShape) -> Double {
        let model = request.model.configuration
        let queries = model.attentionHeadCount * model.headDimension
        return Double(2 * model.layerElementCount + 2 * shape.length * queries)
    }

    /// Per position: gradients of the inputs through the trained layers, of scores, of the adapter, and
    /// what is computed again.
    private func backwardOperations(_ shape: PlanShape) -> Double {
        let model = request.model.configuration
        let layers = Double(shape.layerCount)
        let queries = model.attentionHeadCount * model.headDimension
        let attention = Double(5 * shape.length * queries)
        let again: Double =
            switch shape.recomputation {
            case .none: 0
            case .mlp: Double(4 * model.hiddenSize * model.intermediateSize)
            case .layer: layerOperations(shape)
            }
        return layers * (Double(2 * model.layerElementCount) + attention + again)
            + 4 * Double(adapterCount(shape))
    }

    private func adapterCount(_ shape: PlanShape) -> Int {
        guard shape.method == .lora || shape.method == .mezo else { return 0 }
        let model = request.model.configuration
        let count = shape.method == .mezo ? model.layerCount : shape.layerCount
        return LoRAOutline(
            configuration: LoRAConfiguration(
                rank: shape.rank, alpha: 1, targets: request.targets,
                layers: LoRAConfiguration.lastLayers(count, of: model.layerCount)),
            model: model
        ).parameterCount
    }
}
