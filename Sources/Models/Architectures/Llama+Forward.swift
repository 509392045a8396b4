internal import Checkpoints
internal import Kernels

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
