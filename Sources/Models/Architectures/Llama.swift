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
/// so are gate and up, because each group shares an input.
final class Llama: LanguageModelArchitecture {
    static let modelType = "llama"

    let configuration: ModelConfiguration
    let weights: LlamaWeights
    let rotary: RotaryEmbedding
    private let crossEntropy: CrossEntropy
    private var activationBuffer = FloatBuffer(count: 0)
    private(set) var attentionScratch = FloatBuffer(count: 0)

    init(source: any TensorSource) throws(ModelError) {
        configuration = source.configuration
        weights = try LlamaWeights(source: source)
        rotary = RotaryEmbedding(configuration)
        crossEntropy = CrossEntropy(head: weights.head)
    }

    func loss(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> LossSum {
        let pass = makePass(batch, tap: tap)
        let counted = CountedRows(of: finalHidden(pass), targets: batch.targets)
        let nats = crossEntropy.loss(hidden: counted.hidden, targets: counted.targets)
        return LossSum(nats: nats, tokenCount: counted.targets.count)
    }

    func logits(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> FloatTensor {
        let hidden = finalHidden(makePass(batch, tap: tap))
        return FloatTensor(
            shape: Shape([batch.positionCount, configuration.vocabularySize]),
            values: logits(hidden)
        )
    }

    func nextLogits(
        appending tokens: [Int32],
        to state: GenerationState,
        tap: (any ProjectionTap)?
    ) -> [Float] {
        // A long prompt goes in pieces, so that its activations stay small.
        let pieceCount = 256
        var last: [Float] = []
        for lower in stride(from: 0, to: tokens.count, by: pieceCount) {
            let piece = Array(tokens[lower..<min(lower + pieceCount, tokens.count)])
            let pass = DecoderPass(
                tokens: piece,
                sequenceCount: 1,
                length: piece.count,
                tap: tap,
                state: state,
                workspace: makeWorkspace(rowCount: piece.count, trains: false, tap: tap)
            )
            runLayers(pass)
            state.count += piece.count
            guard lower + piece.count == tokens.count else { continue }
            let row = piece.count - 1..<piece.count
            last = logits(norm(pass.workspace.stream.rows(row), into: pass.workspace.normed))
        }
        return last
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
        let nats = crossEntropy.loss(
            hidden: counted.hidden,
            targets: counted.targets,
            gradient: gradients.normed.rows(0..<counted.targets.count),
            scale: Float(1 / normalizer)
        )
        counted.spread(gradients.normed)
        gradients.stream.fill(0)
        RMSNorm.backward(
            pass.workspace.stream,
            weight: weights.finalNorm,
            epsilon: configuration.rmsNormEpsilon,
            outputGradient: gradients.normed,
            addingTo: gradients.stream
        )
        backwardLayers(pass, gradients: gradients)
        return LossSum(nats: nats, tokenCount: counted.targets.count)
    }
}

// MARK: - One pass

extension Llama {
    private func makePass(
        _ batch: TokenBatch,
        tap: (any ProjectionTap)?,
        trains: Bool = false
    ) -> DecoderPass {
        precondition(
            batch.length <= configuration.positionCountMax,
            "\(batch.length) positions; the model knows \(configuration.positionCountMax)"
        )
        return DecoderPass(
            tokens: batch.inputs,
            sequenceCount: batch.sequenceCount,
            length: batch.length,
            tap: tap,
            state: nil,
            workspace: makeWorkspace(rowCount: batch.positionCount, trains: trains, tap: tap)
        )
    }

    private func makeWorkspace(
        rowCount: Int,
        trains: Bool,
        tap: (any ProjectionTap)?
    ) -> DecoderWorkspace {
        let tapWidths = (0..<configuration.layerCount).map { layer in
            ProjectionSite.allCases.map { tap?.stateWidth(layer: layer, site: $0) ?? 0 }
        }
        return DecoderWorkspace(
            configuration: configuration,
            extents: .init(rowCount: rowCount, trains: trains, tapWidths: tapWidths),
            buffer: &activationBuffer
        )
    }

    func attention(_ pass: DecoderPass) -> Attention {
        let attention = Attention(
            sequenceCount: pass.sequenceCount,
            queryCount: pass.length,
            keyCount: pass.length + (pass.state?.count ?? 0),
            headCount: configuration.attentionHeadCount,
            keyValueHeadCount: configuration.keyValueHeadCount,
            headDimension: configuration.headDimension
        )
        if attentionScratch.count < attention.scratchCount {
            // Room to grow, so that a generation does not allocate at every token.
            attentionScratch = FloatBuffer(count: attention.scratchCount * 5 / 4)
        }
        return attention
    }

    private func norm(_ stream: Matrix, into normed: Matrix) -> Matrix {
        let normed = normed.rows(0..<stream.rowCount)
        RMSNorm.forward(
            stream,
            weight: weights.finalNorm,
            epsilon: configuration.rmsNormEpsilon,
            into: normed
        )
        return normed
    }

    private func logits(_ hidden: Matrix) -> [Float] {
        let buffer = FloatBuffer(count: hidden.rowCount * configuration.vocabularySize)
        let logits = buffer.take(rows: hidden.rowCount, columns: configuration.vocabularySize)
        MatrixProduct.multiplyTransposed(hidden, weights.head, into: logits)
        return logits.values
    }

    private func finalHidden(_ pass: DecoderPass) -> Matrix {
        runLayers(pass)
        return norm(pass.workspace.stream, into: pass.workspace.normed)
    }
}

// MARK: - Forward

extension Llama {
    private func runLayers(_ pass: DecoderPass) {
        let workspace = pass.workspace
        let last = configuration.layerCount - 1
        TokenEmbedding.lookup(
            weights.embedding,
            tokens: pass.tokens,
            into: workspace.layer(0).input
        )
        let attention = attention(pass)
        for layer in 0...last {
            let own = workspace.layer(layer)
            let next = layer == last ? workspace.stream : workspace.layer(layer + 1).input
            attend(layer, own, pass: pass, attention: attention)
            runMLP(layer, own, into: next, pass: pass)
        }
    }

    private func attend(
        _ layer: Int,
        _ own: LayerActivations,
        pass: DecoderPass,
        attention: Attention
    ) {
        let weights = weights.layers[layer]
        normInput(layer, own, into: pass.workspace.normed)
        MatrixProduct.multiplyTransposed(
            pass.workspace.normed,
            weights.queryKeyValue,
            into: own.queryKeyValue
        )
        tapForward(
            .attentionInput, layer, own, pass, pass.workspace.normed, own.queryKeyValue)
        let columns = AttentionColumns(configuration)
        rotary.apply(
            to: own.queryKeyValue.columns(columns.rotated),
            length: pass.length,
            offset: pass.state?.count ?? 0
        )
        var keys = own.queryKeyValue.columns(columns.keys)
        var values = own.queryKeyValue.columns(columns.values)
        if let state = pass.state {
            let seen = state.count..<state.count + pass.length
            state.keys(layer: layer).rows(seen).copy(from: keys)
            state.values(layer: layer).rows(seen).copy(from: values)
            keys = state.keys(layer: layer).rows(0..<seen.upperBound)
            values = state.values(layer: layer).rows(0..<seen.upperBound)
        }
        attention.forward(
            q: own.queryKeyValue.columns(columns.queries),
            k: keys,
            v: values,
            into: own.attended,
            logSumExp: own.logSumExp,
            scratch: attentionScratch
        )
        own.middle.copy(from: own.input)
        MatrixProduct.multiplyTransposed(
            own.attended, weights.output, into: own.middle, adds: true)
        tapForward(.attentionOutput, layer, own, pass, own.attended, own.middle)
    }

    private func runMLP(
        _ layer: Int,
        _ own: LayerActivations,
        into next: Matrix,
        pass: DecoderPass
    ) {
        let weights = weights.layers[layer]
        let (normed, product) = (pass.workspace.normed, pass.workspace.product)
        normMiddle(layer, own, into: normed)
        MatrixProduct.multiplyTransposed(normed, weights.gateUp, into: own.gateUp)
        tapForward(.mlpInput, layer, own, pass, normed, own.gateUp)
        SwiGLU.forward(gateUp: own.gateUp, into: product)
        next.copy(from: own.middle)
        MatrixProduct.multiplyTransposed(product, weights.down, into: next, adds: true)
        tapForward(.mlpOutput, layer, own, pass, product, next)
    }

    func normInput(_ layer: Int, _ own: LayerActivations, into normed: Matrix) {
        RMSNorm.forward(
            own.input,
            weight: weights.layers[layer].inputNorm,
            epsilon: configuration.rmsNormEpsilon,
            into: normed
        )
    }

    func normMiddle(_ layer: Int, _ own: LayerActivations, into normed: Matrix) {
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
        _ input: Matrix,
        _ output: Matrix
    ) {
        guard let tap = pass.tap, tap.adapts(layer: layer, site: site) else { return }
        let width = tap.stateWidth(layer: layer, site: site)
        tap.forward(
            layer: layer,
            site: site,
            input: input,
            output: output,
            state: own.tapStates[site.rawValue].columns(0..<width)
        )
    }
}
