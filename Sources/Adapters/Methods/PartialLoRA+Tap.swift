public import Kernels
public import Models

extension PartialLoRAAdapter: ProjectionTap {
    /// The type that products read must be the adapter's.
    public func begin(_ type: ComputeType) {
        precondition(type == computeType, "made for \(computeType), not \(type)")
    }

    /// Whether any projection of the site is among the targets, trained or not.
    public func adapts(layer: Int, site: ProjectionSite) -> Bool {
        !layout.site(layer: layer, site).isEmpty
    }

    /// The trained directions of the site's projections together.
    public func stateWidth(layer: Int, site: ProjectionSite) -> Int {
        layout.site(layer: layer, site).trainedColumnCount
    }

    /// Keeps u = s x A_t^T as the state; each projection's output takes u B_t^T and the frozen
    /// (s x A_f^T) B_f^T.
    public func forward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        state: Operand
    ) -> [LowRankTerm] {
        let site = layout.site(layer: layer, site)
        prepare(site)
        var terms: [LowRankTerm] = []
        for (parts, isTrained) in [(site.trained, true), (site.frozen, false)] {
            guard let a = stackedA(parts, isTrained: isTrained) else { continue }
            let product = scratch(rows: input.rowCount, columns: a.rowCount)
            ThinProduct.multiplyTransposed(
                input, a, into: product, scale: Float(configuration.scale))
            let left =
                isTrained ? state : frozenState(rows: input.rowCount, columns: a.rowCount)
            left.store(product)
            terms += parts.map { part in
                LowRankTerm(
                    columns: part.pair.outputColumns,
                    left: left.columns(part.stateColumns),
                    timesTransposed: operandB(part, isTrained: isTrained)
                )
            }
        }
        return terms
    }

    /// With u = s x A_t^T: gB_t += gy^T u, gu = s gy B_t, gA_t += gu^T x; the input's gradient takes
    /// gu A_t and the frozen (s gy B_f) A_f.
    public func backward(
        layer: Int,
        site: ProjectionSite,
        input: Operand,
        outputGradient: Operand,
        state: Operand
    ) -> [LowRankTerm] {
        let site = layout.site(layer: layer, site)
        prepare(site)
        var terms: [LowRankTerm] = []
        for (parts, isTrained) in [(site.trained, true), (site.frozen, false)] {
            guard let a = stackedA(parts, isTrained: isTrained), let first = parts.first else {
                continue
            }
            let product = scratch(rows: input.rowCount, columns: a.rowCount)
            for part in parts {
                let gradient = outputGradient.columns(part.pair.outputColumns)
                ThinProduct.multiply(
                    gradient, operandB(part, isTrained: isTrained),
                    into: product.columns(part.stateColumns), scale: Float(configuration.scale))
                guard isTrained, layout.trainsOutputs else { continue }
                ThinProduct.addTransposing(
                    gradient, state.columns(part.stateColumns),
                    to: gradientBuffer.matrix(
                        at: part.offsetOfB, rows: part.pair.outputSize,
                        columns: part.directions.count),
                    scratch: gradientScratch)
            }
            // The state is not needed any more.
            let left =
                isTrained ? state : frozenState(rows: input.rowCount, columns: a.rowCount)
            left.store(product)
            if isTrained, layout.trainsInputs {
                MatrixProduct.multiplyTransposing(
                    left, input,
                    into: gradientBuffer.matrix(
                        at: first.offsetOfA, rows: a.rowCount, columns: a.columnCount),
                    adds: true)
            }
            terms.append(LowRankTerm(left: left, times: a))
        }
        return terms
    }
}
