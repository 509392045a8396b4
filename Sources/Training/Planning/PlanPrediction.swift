internal import Adapters
internal import Checkpoints
internal import Kernels
internal import Models

/// Predicts what a shape takes, from the request alone.
struct PlanPrediction {
    let request: PlanningRequest

    func plan(_ shape: PlanShape) -> MemoryPlan {
        let method: MemoryPlan.Method =
            switch shape.method {
            case .lora: .lora(layerCount: shape.layerCount)
            case .read: .read
            case .mezo: .mezo
            case .relay: .relay
            }
        return MemoryPlan(
            method: method,
            rank: shape.rank,
            sequenceLength: shape.length,
            microBatchSize: shape.microBatchSize,
            options: options(shape),
            peak: peak(shape),
            secondsPerStep: secondsPerStep(shape)
        )
    }

    func options(_ shape: PlanShape) -> ModelOptions {
        ModelOptions(
            storage: shape.isStreamed ? .streamed : shape.storage,
            computeType: request.computeType,
            recomputation: shape.recomputation
        )
    }

    // MARK: - Memory

    func peak(_ shape: PlanShape) -> PredictedPeak {
        var peak = PredictedPeak.zero
        let model = request.model.configuration
        guard shape.method != .relay else {
            peak.program = request.program.base
            peak.copies = copies(parameterCount: heldParameterCount)
            return peak
        }
        peak.program = request.program.byteCount(
            vocabularySize: model.vocabularySize, textByteCount: request.textByteCount)
        if shape.method == .read {
            addREAD(shape, to: &peak)
        } else {
            addLoRA(shape, to: &peak)
        }
        return peak
    }

    private func addLoRA(_ shape: PlanShape, to peak: inout PredictedPeak) {
        let isForward = shape.method == .mezo
        let adapter = adapter(shape)
        let rowCount = shape.microBatchSize * shape.length
        var tap = adapter.tap
        if isForward { tap.firstTrainedLayer = request.model.configuration.layerCount }
        let memory = ModelMemory(
            request.model, options: options(shape), rowCount: rowCount, length: shape.length,
            tap: tap, trains: !isForward, threadCount: request.threadCount)
        peak.weights = memory.weightByteCount
        peak.activations =
            memory.activationByteCount + memory.attentionByteCount
            + adapter.scratchByteCount(
                rowCount: rowCount, type: request.computeType, trains: !isForward)
        let frozen = max(0, heldParameterCount - adapter.parameterCount)
        peak.parameters =
            PredictedPeak.parameterByteCount(adapter.parameterCount)
            + request.computeType.byteCount * frozen
        if frozen > 0 { peak.activations += frozenStateByteCount(rowCount: rowCount) }
        peak.optimizer = PredictedPeak.optimizerByteCount(
            trainedParameterCount: adapter.trainedParameterCount,
            kind: isForward ? .mezo : .adamW)
        peak.copies = copies(parameterCount: adapter.parameterCount + frozen)
    }

    /// The states of one site's frozen directions, as sums and as products read them.
    private func frozenStateByteCount(rowCount: Int) -> Int {
        let widest =
            ProjectionSite.allCases.map { site in
                request.rank * site.projections.count { request.targets.contains($0) }
            }.max() ?? 0
        return rowCount * widest * (4 + request.computeType.byteCount)
    }

    private func addREAD(_ shape: PlanShape, to peak: inout PredictedPeak) {
        let options = options(shape)
        let adapter = READOutline(
            configuration: request.read, model: request.model.configuration)
        let rowCount = shape.microBatchSize * shape.length
        let memory = ModelMemory(
            request.model, options: options, hiddenTapRowCount: rowCount, length: shape.length,
            adapterByteCount: adapter.passByteCount(
                rowCount: rowCount, chunkRowCount: options.hiddenTapRowCount,
                type: request.computeType),
            threadCount: request.threadCount)
        peak.weights = memory.weightByteCount
        peak.activations =
            memory.activationByteCount + memory.attentionByteCount + memory.adapterByteCount
        let frozen = heldParameterCount
        peak.parameters =
            PredictedPeak.parameterByteCount(adapter.parameterCount)
            + request.computeType.byteCount * frozen
        if frozen > 0 { peak.activations += frozenStateByteCount(rowCount: rowCount) }
        peak.optimizer = PredictedPeak.optimizerByteCount(
            trainedParameterCount: adapter.parameterCount, kind: .adamW)
        peak.copies = copies(parameterCount: adapter.parameterCount + frozen)
    }

    private func copies(parameterCount: Int) -> Int {
        request.program.copiesPerParameter * parameterCount
    }

    /// What is trained: in a federation the rest of the adapter is there too and stays frozen.
    private func adapter(_ shape: PlanShape) -> LoRAOutline {
        let model = request.model.configuration
        let count = shape.method == .mezo ? model.layerCount : shape.layerCount
        let layers = LoRAConfiguration.lastLayers(count, of: model.layerCount)
        return LoRAOutline(
            configuration: LoRAConfiguration(
                rank: shape.rank, alpha: 1, targets: request.targets,
                layers: layers),
            model: model
        )
    }

    private var heldParameterCount: Int {
        guard request.holdsWholeAdapter else { return 0 }
        return LoRAOutline(
            configuration: LoRAConfiguration(
                rank: request.rank, alpha: 1, targets: request.targets),
            model: request.model.configuration
        ).parameterCount
    }
}
