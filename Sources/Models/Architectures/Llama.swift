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
        let attention = makeAttention(
            VisibleKeys(sequenceCount: 1, queryCount: length, window: configuration.slidingWindow))
        return ModelMemory(
            weightByteCount: weights.byteCount,
            activationByteCount: DecoderLayout(configuration, extents).valueCount * 4,
            attentionByteCount: attention.scratchCount * 4
        )
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
        tap?.begin(options.computeType, trains: trains)
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
        tap?.begin(options.computeType, trains: false)
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
        let lowest = layers.first { layer in
            ProjectionSite.allCases.contains { tap?.adapts(layer: layer, site: $0) ?? false }
        }
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
        extents.logitsCount = makeCrossEntropy(extents).scratchCount(rowCount: rowCount)
        return extents
    }

    /// Takes chunks of rows whose logits fit over a pass's scratch, but no fewer than 32: below, the
    /// products with the head wait for memory.
    func makeCrossEntropy(_ extents: DecoderWorkspace.Extents) -> CrossEntropy {
        let scratch = DecoderLayout(configuration, extents).scratchCount
        let fitting = min(scratch / configuration.vocabularySize, 256) / 16 * 16
        return CrossEntropy(
            head: weights.head, chunkRowCount: options.logitsRowCount ?? max(32, fitting))
    }

    private func makeWorkspace(_ extents: DecoderWorkspace.Extents) -> DecoderWorkspace {
        DecoderWorkspace(
            configuration: configuration, extents: extents, buffer: &activationBuffer)
    }

    private func makeAttention(_ visible: VisibleKeys) -> Attention {
        Attention(
            visible: visible,
            headCount: configuration.attentionHeadCount,
            keyValueHeadCount: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension
        )
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

// MARK: - Forward

extension Llama {
    func runLayers(_ pass: DecoderPass) {
        let workspace = pass.workspace
        weights.embedding.rows(at: pass.tokens, into: workspace.stream)
        pass.hiddenTap?.take(workspace.stream, depth: 0)
        for layer in 0..<configuration.layerCount {
            let own = workspace.layer(layer)
            own.input.store(workspace.stream)
            attend(layer, own, pass)
            own.middle.store(workspace.stream)
            let terms = computeGates(layer, own, pass)
            weights.layers[layer].down.multiplyTransposed(
                workspace.product, into: workspace.stream, adds: true, terms: terms)
            pass.hiddenTap?.take(workspace.stream, depth: layer + 1)
        }
    }

    /// Adds attention's result to the stream, which holds the layer's input.
    func attend(_ layer: Int, _ own: LayerActivations, _ pass: DecoderPass) {
        let workspace = pass.workspace
        let weights = weights.layers[layer]
        normInput(layer, own, into: workspace.normed)
        let inputTerms = tapForward(.attentionInput, layer, own, pass, workspace.normed)
        weights.queryKeyValue.multiplyTransposed(
            workspace.normed, into: workspace.target(of: own.queryKeyValue), terms: inputTerms)
        finishQueriesAndKeys(layer, own, pass)
        workspace.finish(own.queryKeyValue)
        let columns = AttentionColumns(configuration)
        var keys = own.queryKeyValue.columns(columns.keys)
        var values = own.queryKeyValue.columns(columns.values)
        if let state = pass.state {
            let seen = state.count..<state.count + pass.length
            state.keys(layer: layer).rows(seen).copy(from: keys)
            state.values(layer: layer).rows(seen).copy(from: values)
            keys = state.keys(layer: layer).rows(0..<seen.upperBound)
            values = state.values(layer: layer).rows(0..<seen.upperBound)
        }
        pass.attention.forward(
            q: own.queryKeyValue.columns(columns.queries),
            k: keys,
            v: values,
            into: own.attended,
            logSumExp: own.logSumExp,
            scratch: scratch(for: pass.attention)
        )
        let terms = tapForward(.attentionOutput, layer, own, pass, own.attended)
        weights.output.multiplyTransposed(
            own.attended, into: workspace.stream, adds: true, terms: terms)
    }

    /// Adds biases, norms heads and turns them, where the product of the layer's input stands.
    private func finishQueriesAndKeys(_ layer: Int, _ own: LayerActivations, _ pass: DecoderPass) {
        let weights = weights.layers[layer]
        let result = pass.workspace.target(of: own.queryKeyValue)
        let columns = AttentionColumns(configuration)
        if let bias = weights.queryKeyValueBias { RowSum.add(bias, toRowsOf: result) }
        if let queryNorm = weights.queryNorm, let keyNorm = weights.keyNorm {
            own.plainQueryKey.store(result.columns(columns.rotated))
            let epsilon = configuration.rmsNormEpsilon
            RMSNorm.forwardHeads(
                own.plainQueryKey.columns(columns.queries), weight: queryNorm, epsilon: epsilon,
                into: .float32(result.columns(columns.queries)),
                headCount: configuration.attentionHeadCount)
            RMSNorm.forwardHeads(
                own.plainQueryKey.columns(columns.keys), weight: keyNorm, epsilon: epsilon,
                into: .float32(result.columns(columns.keys)),
                headCount: configuration.keyValueHeadCount)
        }
        rotate(result.columns(columns.rotated), pass)
    }

    /// Turns heads by their positions, or back.
    func rotate(_ heads: Matrix, _ pass: DecoderPass, inverse: Bool = false) {
        if pass.positions.isEmpty {
            rotary.apply(
                to: heads, length: pass.length, offset: pass.state?.count ?? 0, inverse: inverse)
        } else {
            rotary.apply(to: heads, positions: pass.positions, inverse: inverse)
        }
    }

    /// Computes gates, ups and their product from the layer's middle.
    ///
    /// - Returns: What the tap adds to the MLP's output.
    func computeGates(
        _ layer: Int,
        _ own: LayerActivations,
        _ pass: DecoderPass
    ) -> [LowRankTerm] {
        let workspace = pass.workspace
        normMiddle(layer, own, into: workspace.normed)
        let terms = tapForward(.mlpInput, layer, own, pass, workspace.normed)
        weights.layers[layer].gateUp.multiplyTransposed(
            workspace.normed, into: workspace.target(of: own.gateUp), terms: terms)
        workspace.finish(own.gateUp)
        SwiGLU.forward(gateUp: own.gateUp, into: workspace.product)
        return tapForward(.mlpOutput, layer, own, pass, workspace.product)
    }

    func normInput(_ layer: Int, _ own: LayerActivations, into normed: Operand) {
        RMSNorm.forward(
            own.input,
            weight: weights.layers[layer].inputNorm,
            epsilon: configuration.rmsNormEpsilon,
            into: normed
        )
    }

    func normMiddle(_ layer: Int, _ own: LayerActivations, into normed: Operand) {
        RMSNorm.forward(
            own.middle,
            weight: weights.layers[layer].middleNorm,
            epsilon: configuration.rmsNormEpsilon,
            into: normed
        )
    }

    private func tapForward(
        _ site: ProjectionSite,
        _ layer: Int,
        _ own: LayerActivations,
        _ pass: DecoderPass,
        _ input: Operand
    ) -> [LowRankTerm] {
        guard let tap = pass.tap, tap.adapts(layer: layer, site: site) else { return [] }
        let width = tap.stateWidth(layer: layer, site: site)
        return tap.forward(
            layer: layer,
            site: site,
            input: input,
            state: own.tapStates[site.rawValue].columns(0..<width)
        )
    }
}
