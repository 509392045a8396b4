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
    private let weights: LlamaWeights
    private let rotary: RotaryEmbedding
    private let crossEntropy: CrossEntropy
    private var activationBuffer = FloatBuffer(count: 0)
    private var attentionScratch = FloatBuffer(count: 0)

    init(source: any TensorSource) throws(ModelError) {
        configuration = source.configuration
        weights = try LlamaWeights(source: source)
        rotary = RotaryEmbedding(
            headDimension: configuration.headDimension,
            theta: configuration.ropeTheta
        )
        crossEntropy = CrossEntropy(head: weights.head)
    }

    func loss(_ batch: TokenBatch, tap: (any ProjectionTap)?) -> LossSum {
        let pass = makePass(batch, tap: tap)
        let (hidden, targets, _) = countedRows(of: finalHidden(pass), targets: batch.targets)
        let nats = crossEntropy.loss(hidden: hidden, targets: targets)
        return LossSum(nats: nats, tokenCount: targets.count)
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
            let pass = Pass(
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
        let (hidden, targets, rows) = countedRows(of: finalHidden(pass), targets: batch.targets)
        guard !targets.isEmpty else { return LossSum() }
        let nats = crossEntropy.loss(
            hidden: hidden,
            targets: targets,
            gradient: gradients.normed.rows(0..<targets.count),
            scale: Float(1 / normalizer)
        )
        Self.spread(gradients.normed, to: rows)
        gradients.stream.fill(0)
        RMSNorm.backward(
            pass.workspace.stream,
            weight: weights.finalNorm,
            epsilon: configuration.rmsNormEpsilon,
            outputGradient: gradients.normed,
            addingTo: gradients.stream
        )
        backwardLayers(pass, gradients: gradients)
        return LossSum(nats: nats, tokenCount: targets.count)
    }
}

// MARK: - One pass

extension Llama {
    /// The inputs and the memory of one pass.
    private struct Pass {
        let tokens: [Int32]
        let sequenceCount: Int
        let length: Int
        let tap: (any ProjectionTap)?
        /// Keys and values of earlier positions; the pass appends its own.
        let state: GenerationState?
        let workspace: DecoderWorkspace
    }

    private func makePass(
        _ batch: TokenBatch,
        tap: (any ProjectionTap)?,
        trains: Bool = false
    ) -> Pass {
        precondition(
            batch.length <= configuration.positionCountMax,
            "\(batch.length) positions; the model knows \(configuration.positionCountMax)"
        )
        return Pass(
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

    private func attention(_ pass: Pass) -> Attention {
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

    private func finalHidden(_ pass: Pass) -> Matrix {
        runLayers(pass)
        return norm(pass.workspace.stream, into: pass.workspace.normed)
    }

    /// Moves the rows whose target counts to the front, in place.
    ///
    /// - Returns: those rows, their targets, and where they were.
    private func countedRows(
        of hidden: Matrix,
        targets: [Int32]
    ) -> (hidden: Matrix, targets: [Int32], rows: [Int]) {
        let rows = targets.indices.filter { targets[$0] >= 0 }
        for (target, source) in rows.enumerated() where target != source {
            hidden.rows(target..<target + 1).copy(from: hidden.rows(source..<source + 1))
        }
        return (hidden.rows(0..<rows.count), rows.map { targets[$0] }, rows)
    }

    /// Undoes `countedRows` for a gradient: the first rows go where they belong, and the others
    /// become 0.
    private static func spread(_ gradient: Matrix, to rows: [Int]) {
        guard rows.count < gradient.rowCount else { return }
        var source = rows.count - 1
        for target in (0..<gradient.rowCount).reversed() {
            let row = gradient.rows(target..<target + 1)
            guard source >= 0, rows[source] == target else {
                row.fill(0)
                continue
            }
            if source != target { row.copy(from: gradient.rows(source..<source + 1)) }
            source -= 1
        }
    }
}

// MARK: - Forward

extension Llama {
    private func runLayers(_ pass: Pass) {
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
        pass: Pass,
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
        pass: Pass
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

    private func normInput(_ layer: Int, _ own: LayerActivations, into normed: Matrix) {
        RMSNorm.forward(
            own.input,
            weight: weights.layers[layer].inputNorm,
            epsilon: configuration.rmsNormEpsilon,
            into: normed
        )
    }

    private func normMiddle(_ layer: Int, _ own: LayerActivations, into normed: Matrix) {
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
        _ pass: Pass,
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

// MARK: - Backward

extension Llama {
    /// Goes down to the lowest site that is adapted; nothing below needs a gradient.
    private func backwardLayers(_ pass: Pass, gradients: DecoderWorkspace.Gradients) {
        guard let tap = pass.tap else { return }
        for layer in 0..<configuration.layerCount {
            let sites = ProjectionSite.allCases.filter { tap.adapts(layer: layer, site: $0) }
            guard let lowestSite = sites.first else { continue }
            let attention = attention(pass)
            for upper in (layer..<configuration.layerCount).reversed() {
                let stop = upper == layer ? lowestSite : nil
                backwardMLP(upper, pass, gradients, stop: stop)
                guard stop.map({ $0 < .mlpInput }) ?? true else { return }
                backwardAttention(upper, pass, gradients, attention: attention, stop: stop)
            }
            return
        }
    }

    /// From the gradient of the layer's output to that of its middle, both in `stream`.
    private func backwardMLP(
        _ layer: Int,
        _ pass: Pass,
        _ gradients: DecoderWorkspace.Gradients,
        stop: ProjectionSite?
    ) {
        let own = pass.workspace.layer(layer)
        let weights = weights.layers[layer]
        let (normed, product) = (pass.workspace.normed, pass.workspace.product)
        let goesOn = stop != .mlpOutput
        if goesOn {
            MatrixProduct.multiply(gradients.stream, weights.down, into: gradients.product)
        }
        tapBackward(
            .mlpOutput, layer, own, pass, gradients.stream, goesOn ? gradients.product : nil
        ) {
            SwiGLU.forward(gateUp: own.gateUp, into: product)
            return product
        }
        guard goesOn else { return }
        // Gates and ups are not needed any more.
        SwiGLU.backward(
            gateUp: own.gateUp,
            outputGradient: gradients.product,
            into: own.gateUp
        )
        let goesBelow = stop != .mlpInput
        if goesBelow {
            MatrixProduct.multiply(own.gateUp, weights.gateUp, into: gradients.normed)
        }
        tapBackward(.mlpInput, layer, own, pass, own.gateUp, goesBelow ? gradients.normed : nil) {
            normMiddle(layer, own, into: normed)
            return normed
        }
        guard goesBelow else { return }
        RMSNorm.backward(
            own.middle,
            weight: weights.middleNorm,
            epsilon: configuration.rmsNormEpsilon,
            outputGradient: gradients.normed,
            addingTo: gradients.stream
        )
    }

    /// From the gradient of the layer's middle to that of its input, both in `stream`.
    private func backwardAttention(
        _ layer: Int,
        _ pass: Pass,
        _ gradients: DecoderWorkspace.Gradients,
        attention: Attention,
        stop: ProjectionSite?
    ) {
        let own = pass.workspace.layer(layer)
        let weights = weights.layers[layer]
        let normed = pass.workspace.normed
        let goesOn = stop != .attentionOutput
        if goesOn {
            MatrixProduct.multiply(gradients.stream, weights.output, into: gradients.attended)
        }
        tapBackward(
            .attentionOutput, layer, own, pass, gradients.stream, goesOn ? gradients.attended : nil
        ) { own.attended }
        guard goesOn else { return }
        backwardScores(own, gradients, attention: attention, length: pass.length)
        let goesBelow = stop != .attentionInput
        if goesBelow {
            MatrixProduct.multiply(
                gradients.queryKeyValue, weights.queryKeyValue, into: gradients.normed)
        }
        tapBackward(
            .attentionInput, layer, own, pass, gradients.queryKeyValue,
            goesBelow ? gradients.normed : nil
        ) {
            normInput(layer, own, into: normed)
            return normed
        }
        guard goesBelow else { return }
        RMSNorm.backward(
            own.input,
            weight: weights.inputNorm,
            epsilon: configuration.rmsNormEpsilon,
            outputGradient: gradients.normed,
            addingTo: gradients.stream
        )
    }

    private func backwardScores(
        _ own: LayerActivations,
        _ gradients: DecoderWorkspace.Gradients,
        attention: Attention,
        length: Int
    ) {
        let columns = AttentionColumns(configuration)
        let (inputs, results) = (own.queryKeyValue, gradients.queryKeyValue)
        attention.backward(
            inputs: (
                q: inputs.columns(columns.queries), k: inputs.columns(columns.keys),
                v: inputs.columns(columns.values)
            ),
            o: own.attended,
            logSumExp: own.logSumExp,
            outputGradient: gradients.attended,
            gradients: (
                q: results.columns(columns.queries), k: results.columns(columns.keys),
                v: results.columns(columns.values)
            ),
            headGradients: gradients.heads,
            scratch: attentionScratch
        )
        rotary.apply(to: results.columns(columns.rotated), length: length, inverse: true)
    }

    /// - Parameter input: computes the site's input again; not called where nothing is adapted.
    private func tapBackward(
        _ site: ProjectionSite,
        _ layer: Int,
        _ own: LayerActivations,
        _ pass: Pass,
        _ outputGradient: Matrix,
        _ inputGradient: Matrix?,
        input: () -> Matrix
    ) {
        guard let tap = pass.tap, tap.adapts(layer: layer, site: site) else { return }
        tap.backward(
            layer: layer,
            site: site,
            input: input(),
            outputGradient: outputGradient,
            inputGradient: inputGradient,
            state: own.tapStates[site.rawValue]
        )
    }
}

/// Where queries, keys and values lie side by side.
private struct AttentionColumns {
    let queries, keys, values, rotated: Range<Int>

    init(_ configuration: ModelConfiguration) {
        let queryCount = configuration.attentionHeadCount * configuration.headDimension
        let keyCount = configuration.keyValueHeadCount * configuration.headDimension
        queries = 0..<queryCount
        keys = queryCount..<queryCount + keyCount
        values = queryCount + keyCount..<queryCount + 2 * keyCount
        rotated = 0..<queryCount + keyCount
    }
}
