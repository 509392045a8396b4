internal import Checkpoints
internal import Kernels

extension Llama {
    /// Goes down to the lowest site that is adapted; nothing below needs a gradient.
    func backwardLayers(_ pass: DecoderPass, gradients: DecoderGradients) {
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
        _ pass: DecoderPass,
        _ gradients: DecoderGradients,
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
        _ pass: DecoderPass,
        _ gradients: DecoderGradients,
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
        _ gradients: DecoderGradients,
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
        _ pass: DecoderPass,
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
