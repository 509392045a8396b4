internal import Checkpoints
internal import Kernels

extension Llama {
    /// Goes down to the lowest site that is trained; nothing below needs a gradient.
    func backwardLayers(_ pass: DecoderPass, gradients: DecoderGradients) {
        guard let tap = pass.tap, let lowest = lowestTrainedLayer(tap) else { return }
        let lowestSite = ProjectionSite.allCases.first { tap.adapts(layer: lowest, site: $0) }
        for layer in (lowest..<configuration.layerCount).reversed() {
            let stop = layer == lowest ? lowestSite : nil
            recompute(layer, pass)
            backwardMLP(layer, pass, gradients, stop: stop)
            guard stop.map({ $0 < .mlpInput }) ?? true else { return }
            backwardAttention(layer, pass, gradients, stop: stop)
        }
    }

    /// Brings back what the forward pass did not keep of a layer, the gated product in any case.
    private func recompute(_ layer: Int, _ pass: DecoderPass) {
        let own = pass.workspace.layer(layer)
        switch options.recomputation {
        case .none:
            SwiGLU.forward(gateUp: own.gateUp, into: pass.workspace.product)
        case .mlp:
            _ = computeGates(layer, own, pass)
        case .layer:
            own.input.load(into: pass.workspace.stream)
            attend(layer, own, pass)
            own.middle.store(pass.workspace.stream)
            _ = computeGates(layer, own, pass)
        }
    }

    /// From the gradient of the layer's output to that of its middle, both in `stream`.
    private func backwardMLP(
        _ layer: Int,
        _ pass: DecoderPass,
        _ gradients: DecoderGradients,
        stop: ProjectionSite?
    ) {
        let own = pass.workspace.layer(layer)
        let weights = weights.layers[layer]
        gradients.store(gradients.stream, in: gradients.streamOperand)
        let outputTerms = tapBackward(.mlpOutput, layer, own, pass, gradients.streamOperand) {
            pass.workspace.product
        }
        guard stop != .mlpOutput else { return }
        weights.down.multiply(gradients.streamOperand, into: gradients.product, terms: outputTerms)
        // Gates and ups are not needed any more.
        SwiGLU.backward(
            gateUp: own.gateUp,
            outputGradient: gradients.product,
            into: own.gateUp
        )
        let inputTerms = tapBackward(.mlpInput, layer, own, pass, own.gateUp) {
            normMiddle(layer, own, into: pass.workspace.normed)
            return pass.workspace.normed
        }
        guard stop != .mlpInput else { return }
        weights.gateUp.multiply(own.gateUp, into: gradients.normed, terms: inputTerms)
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
        _ pass: DecoderPass,
        _ gradients: DecoderGradients,
        stop: ProjectionSite?
    ) {
        let own = pass.workspace.layer(layer)
        let weights = weights.layers[layer]
        gradients.store(gradients.stream, in: gradients.streamOperand)
        let outputTerms = tapBackward(
            .attentionOutput, layer, own, pass, gradients.streamOperand
        ) { own.attended }
        guard stop != .attentionOutput else { return }
        weights.output.multiply(
            gradients.streamOperand, into: gradients.attended, terms: outputTerms)
        gradients.store(gradients.attended, in: gradients.attendedOperand)
        backwardScores(layer, own, pass, gradients)
        let inputTerms = tapBackward(.attentionInput, layer, own, pass, gradients.queryKeyValue) {
            normInput(layer, own, into: pass.workspace.normed)
            return pass.workspace.normed
        }
        guard stop != .attentionInput else { return }
        weights.queryKeyValue.multiply(
            gradients.queryKeyValue, into: gradients.normed, terms: inputTerms)
        RMSNorm.backward(
            own.input,
            weight: weights.inputNorm,
            epsilon: configuration.rmsNormEpsilon,
            outputGradient: gradients.normed,
            addingTo: gradients.stream
        )
    }

    private func backwardScores(
        _ layer: Int,
        _ own: LayerActivations,
        _ pass: DecoderPass,
        _ gradients: DecoderGradients
    ) {
        let weights = weights.layers[layer]
        let columns = AttentionColumns(configuration)
        let inputs = own.queryKeyValue
        let results = pass.workspace.target(of: gradients.queryKeyValue)
        pass.attention.backward(
            inputs: (
                q: inputs.columns(columns.queries), k: inputs.columns(columns.keys),
                v: inputs.columns(columns.values)
            ),
            o: own.attended,
            logSumExp: own.logSumExp,
            outputGradient: gradients.attendedOperand,
            gradients: (
                q: results.columns(columns.queries), k: results.columns(columns.keys),
                v: results.columns(columns.values)
            ),
            headGradients: gradients.heads,
            scratch: scratch(for: pass.attention)
        )
        rotate(results.columns(columns.rotated), pass, inverse: true)
        if let queryNorm = weights.queryNorm, let keyNorm = weights.keyNorm {
            let epsilon = configuration.rmsNormEpsilon
            RMSNorm.backwardHeads(
                own.plainQueryKey.columns(columns.queries), weight: queryNorm, epsilon: epsilon,
                gradient: results.columns(columns.queries),
                headCount: configuration.attentionHeadCount)
            RMSNorm.backwardHeads(
                own.plainQueryKey.columns(columns.keys), weight: keyNorm, epsilon: epsilon,
                gradient: results.columns(columns.keys),
                headCount: configuration.keyValueHeadCount)
        }
        pass.workspace.finish(gradients.queryKeyValue)
    }

    /// - Parameter input: computes the site's input again; not called where nothing is adapted.
    private func tapBackward(
        _ site: ProjectionSite,
        _ layer: Int,
        _ own: LayerActivations,
        _ pass: DecoderPass,
        _ outputGradient: Operand,
        input: () -> Operand
    ) -> [LowRankTerm] {
        guard let tap = pass.tap, tap.adapts(layer: layer, site: site) else { return [] }
        let width = tap.stateWidth(layer: layer, site: site)
        return tap.backward(
            layer: layer,
            site: site,
            input: input(),
            outputGradient: outputGradient,
            state: own.tapStates[site.rawValue].columns(0..<width)
        )
    }
}

extension DecoderGradients {
    /// Rounds a gradient for products; in Float32 it is there already.
    func store(_ gradient: Matrix, in operand: Operand) {
        guard case .bfloat16 = operand else { return }
        operand.store(gradient)
    }
}
