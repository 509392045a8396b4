internal import Checkpoints
internal import Kernels
internal import Tensors

/// Llama's decoder: grouped attention with rotary positions, RMS norms before each half of a
/// layer, a gated MLP, and a head that may be the embedding itself.
///
/// Source: Touvron et al. 2023, "Llama 2", section 2.2, with the names and the row order of Hugging
/// Face's `LlamaForCausalLM`.
///
/// ### Deviations
/// Weights are frozen; only taps have gradients. Query, key and value weights are one matrix, and
/// so are gate and up, because each group shares an input. Its relatives' biases, head norms and
/// windows are part of the body, driven by the configuration. Where products read bfloat16, the
/// residual stream and all sums stay Float32.
final class Llama: LanguageModelArchitecture {
    static let modelType = "llama"
    /// The most positions of a prompt that pass at once.
    static let promptPieceCount = 256

    let configuration: ModelConfiguration
    let options: ModelOptions
    let weights: DecoderWeights
    let rotary: RotaryEmbedding

    private(set) var activationBuffer = FloatBuffer(count: 0)
    private(set) var attentionScratch = FloatBuffer(count: 0)

    init(source: any TensorSource, options: ModelOptions) throws(ModelError) {
        configuration = source.configuration
        self.options = options
        weights = try DecoderWeights(source: source, storage: options.storage)
        rotary = RotaryEmbedding(configuration)
    }

    func loss(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> LossSum {
        let pass = makePass(batch, tap: tap)
        let counted = CountedRows(of: finalHidden(pass), targets: batch.targets)
        let nats = pass.crossEntropy.loss(
            hidden: counted.hidden,
            targets: counted.targets,
            scratch: activationBuffer,
            offset: pass.workspace.logitsOffset
        )
        return LossSum(nats: nats, tokenCount: counted.targets.count)
    }

    func logits(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> FloatTensor {
        let hidden = finalHidden(makePass(batch, tap: tap))
        return FloatTensor(
            shape: Shape([batch.positionCount, configuration.vocabularySize]),
            values: logits(hidden)
        )
    }

    func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        tap: any ProjectionTap
    ) -> LossSum {
        let pass = makePass(batch, tap: tap, trains: true)
        guard let gradients = pass.workspace.gradients else {
            preconditionFailure("a training pass without room for gradients")
        }
        let counted = CountedRows(of: finalHidden(pass), targets: batch.targets)
        let nats = pass.crossEntropy.loss(
            hidden: counted.hidden,
            targets: counted.targets,
            gradient: gradients.normed.rows(0..<counted.targets.count),
            scale: Float(1 / normalizer),
            scratch: activationBuffer,
            offset: pass.workspace.logitsOffset
        )
        counted.spread(gradients.normed)
        gradients.stream.fill(0)
        RMSNorm.backward(
            .float32(pass.workspace.stream),
            weight: weights.finalNorm,
            epsilon: configuration.rmsNormEpsilon,
            outputGradient: gradients.normed,
            addingTo: gradients.stream
        )
        backwardLayers(pass, gradients: gradients)
        return LossSum(nats: nats, tokenCount: counted.targets.count)
    }

    func memory(rowCount: Int, length: Int, tap: (any ProjectionTap)?) -> ModelMemory {
        memory(
            rowCount: rowCount, length: length,
            extents: extents(rowCount: rowCount, trains: true, tap: tap))
    }

    func memory(
        rowCount: Int,
        length: Int,
        extents: DecoderWorkspace.Extents
    ) -> ModelMemory {
        ModelMemory(
            weightByteCount: weights.byteCount, configuration: configuration, extents: extents,
            length: length, threadCount: ComputeThreads.count)
    }

    /// The bytes of the buffers that passes share, as they stand.
    var bufferByteCount: (activations: Int, attention: Int) {
        (activationBuffer.count * 4, attentionScratch.count * 4)
    }
}

// MARK: - One pass

extension Llama {
    func makePass(
        _ batch: TokenBatch,
        tap: (any ProjectionTap)?,
        hiddenTap: (any HiddenStateTap)? = nil,
        trains: Bool = false
    ) -> DecoderPass {
        precondition(
            batch.length <= configuration.positionCountMax,
            "\(batch.length) positions; the model knows \(configuration.positionCountMax)"
        )
        tap?.begin(options.computeType)
        let visible = VisibleKeys(
            sequenceCount: batch.sequenceCount,
            queryCount: batch.length,
            window: configuration.slidingWindow,
            segmentStarts: batch.segmentStarts,
            prefixEnds: batch.prefixEnds
        )
        let positions = batch.segmentStarts.enumerated().map { index, start in
            Int32(index % batch.length) - start
        }
        let extents =
            hiddenTap == nil
            ? extents(rowCount: batch.positionCount, trains: trains, tap: tap)
            : hiddenExtents(rowCount: batch.positionCount)
        return DecoderPass(
            tokens: batch.inputs,
            length: batch.length,
            attention: makeAttention(visible),
            positions: positions,
            tap: tap,
            hiddenTap: hiddenTap,
            state: nil,
            workspace: makeWorkspace(extents),
            crossEntropy: hiddenTap == nil ? makeCrossEntropy(extents) : hiddenCrossEntropy
        )
    }

    func makePass(
        appending tokens: [Int32],
        to state: GenerationState,
        tap: (any ProjectionTap)?,
        hiddenTap: (any HiddenStateTap)? = nil
    ) -> DecoderPass {
        tap?.begin(options.computeType)
        let visible = VisibleKeys(
            sequenceCount: 1,
            queryCount: tokens.count,
            keyCount: state.count + tokens.count,
            window: configuration.slidingWindow
        )
        let extents = extents(rowCount: tokens.count, trains: false, tap: tap)
        return DecoderPass(
            tokens: tokens,
            length: tokens.count,
            attention: makeAttention(visible),
            positions: [],
            tap: tap,
            hiddenTap: hiddenTap,
            state: state,
            workspace: makeWorkspace(extents),
            crossEntropy: makeCrossEntropy(extents)
        )
    }

    func extents(
        rowCount: Int,
        trains: Bool,
        tap: (any ProjectionTap)?
    ) -> DecoderWorkspace.Extents {
        let layers = 0..<configuration.layerCount
        let lowest = tap.flatMap(lowestTrainedLayer)
        var extents = DecoderWorkspace.Extents(
            rowCount: rowCount,
            trains: trains,
            lowestLayer: lowest ?? layers.upperBound,
            tapWidths: layers.map { layer in
                ProjectionSite.allCases.map { tap?.stateWidth(layer: layer, site: $0) ?? 0 }
            },
            computeType: options.computeType,
            recomputation: options.recomputation,
            logitsCount: 0
        )
        extents.logitsCount = extents.logitsCount(configuration, options)
        return extents
    }

    /// The lowest layer that takes a gradient; `nil` where none does.
    func lowestTrainedLayer(_ tap: any ProjectionTap) -> Int? {
        (0..<configuration.layerCount).first { layer in
            layer >= tap.firstTrainedLayer
                && ProjectionSite.allCases.contains { tap.adapts(layer: layer, site: $0) }
        }
    }

    /// The loss of a pass in chunks whose logits fit over its scratch.
    func makeCrossEntropy(_ extents: DecoderWorkspace.Extents) -> CrossEntropy {
        CrossEntropy(
            head: weights.head, chunkRowCount: extents.logitsRowCount(configuration, options))
    }

    private func makeWorkspace(_ extents: DecoderWorkspace.Extents) -> DecoderWorkspace {
        DecoderWorkspace(
            configuration: configuration, extents: extents, buffer: &activationBuffer)
    }

    private func makeAttention(_ visible: VisibleKeys) -> Attention {
        Attention(configuration, visible)
    }

    /// Room for the scores of a pass.
    func scratch(for attention: Attention) -> FloatBuffer {
        if attentionScratch.count < attention.scratchCount {
            // Room to grow in a generation, so that it does not allocate at every token.
            let isGeneration = attention.visible.queryCount < attention.visible.keyCount
            attentionScratch = FloatBuffer(
                count: attention.scratchCount * (isGeneration ? 5 : 4) / 4)
        }
        return attentionScratch
    }

    func norm(_ stream: Matrix, into normed: Operand) -> Operand {
        let normed = normed.rows(0..<stream.rowCount)
        RMSNorm.forward(
            .float32(stream),
            weight: weights.finalNorm,
            epsilon: configuration.rmsNormEpsilon,
            into: normed
        )
        return normed
    }

    func logits(_ hidden: Operand) -> [Float] {
        let buffer = FloatBuffer(count: hidden.rowCount * configuration.vocabularySize)
        let logits = buffer.take(rows: hidden.rowCount, columns: configuration.vocabularySize)
        weights.head.multiplyTransposed(hidden, into: logits)
        return logits.values
    }

    private func finalHidden(_ pass: DecoderPass) -> Operand {
        runLayers(pass)
        return norm(pass.workspace.stream, into: pass.workspace.normed)
    }
}
