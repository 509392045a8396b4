internal import Checkpoints
internal import Kernels

/// What one decoder layer computes and, in training, keeps for its backward pass.
///
/// Norm outputs and the gated product are computed again there: they cost little time and half of
/// the memory. Values stand in the type that products read.
struct LayerActivations {
    /// The residual stream before the layer: [row, channel].
    let input: Operand
    /// Queries and keys before their norms and rotation, where heads are normed:
    /// [row, (H + key/value heads) x D].
    let plainQueryKey: Operand
    /// Rotated queries, rotated keys, values: [row, (H + 2 x key/value heads) x D].
    let queryKeyValue: Operand
    /// Shape: [row, H].
    let logSumExp: Matrix
    /// Attention's result: [row, H x D].
    let attended: Operand
    /// The residual stream between attention and MLP: [row, channel].
    let middle: Operand
    /// Gates, ups: [row, 2 x MLP channel].
    let gateUp: Operand
    /// What a tap keeps at each site: [row, its width].
    let tapStates: [Operand]
}

/// Scratch for gradients.
struct DecoderGradients {
    /// Of the residual stream: [row, channel].
    let stream: Matrix
    /// The same for products.
    let streamOperand: Operand
    /// Of a norm's output: [row, channel].
    let normed: Matrix
    /// Of queries, keys and values, for products.
    let queryKeyValue: Operand
    /// Of attention's result.
    let attended: Matrix
    /// The same for products.
    let attendedOperand: Operand
    /// Of the gated product.
    let product: Matrix
    /// Of keys and values, per query head: [2 x row, H x D].
    let heads: Matrix
}

/// The views of one pass into a buffer that is used again for the next pass.
struct DecoderWorkspace {
    /// The sizes of a pass.
    struct Extents {
        /// Sequences times positions.
        let rowCount: Int
        /// Whether a backward pass follows.
        let trains: Bool
        /// The lowest layer that a gradient reaches; those below keep nothing.
        let lowestLayer: Int
        /// The values per row that a tap keeps, by layer and site.
        let tapWidths: [[Int]]
        let computeType: ComputeType
        let recomputation: ModelOptions.Recomputation
        /// The values of the logits that exist at the same time.
        var logitsCount: Int
    }

    private let layers: [LayerActivations]
    /// The residual stream: [row, channel].
    let stream: Matrix
    /// A norm's output: [row, channel].
    let normed: Operand
    /// The result of a wide product before it is stored: [row, widest].
    private let wide: Matrix
    /// The gated product: [row, MLP channel].
    let product: Operand
    /// `nil` unless a backward pass follows.
    let gradients: DecoderGradients?
    /// Where logits may stand while neither layers nor their gradients are computed: over all
    /// scratch but the stream's.
    let logitsOffset: Int

    /// Lays the views out in `buffer`, which is replaced first if it is too small.
    init(configuration: ModelConfiguration, extents: Extents, buffer: inout FloatBuffer) {
        let layout = DecoderLayout(configuration, extents)
        let count = layout.valueCount
        if buffer.count < count {
            // The old one goes before the new one comes.
            buffer = FloatBuffer(count: 0)
            buffer = FloatBuffer(count: count)
        }
        buffer.reset()
        let room = buffer
        func take(_ columns: Int) -> Matrix {
            room.take(rows: extents.rowCount, columns: columns)
        }
        func operand(_ columns: Int) -> Operand {
            room.take(rows: extents.rowCount, columns: columns, type: extents.computeType)
        }
        // What lives through the loss comes first; scratch of layers and gradients follows.
        stream = take(layout.hidden)
        normed = operand(layout.hidden)
        let sums = (0..<configuration.layerCount).map { layer in
            layout.kept(layer: layer)[2] ? take(layout.heads) : nil
        }
        let kept = (0..<configuration.layerCount).map { layer in
            zip(layout.kept(layer: layer), layout.widths(layer: layer))
                .map { isOwn, width in isOwn ? operand(width) : nil }
        }
        let streamGradients = extents.trains ? (take(layout.hidden), take(layout.hidden)) : nil
        logitsOffset = layout.lastingCount
        wide = take(layout.wide)
        product = operand(layout.inner)
        let shared = layout.sharedWidths.indices.map { index in
            operand(layout.sharedWidth(index))
        }
        let sharedSums = take(layout.sharedWidth(2) > 0 ? layout.heads : 0)
        layers = zip(kept, sums).map { kept, sums in
            let views = zip(kept, shared).map { $0 ?? $1 }
            return LayerActivations(
                input: views[0], plainQueryKey: views[1], queryKeyValue: views[2],
                logSumExp: sums ?? sharedSums, attended: views[3], middle: views[4],
                gateUp: views[5], tapStates: Array(views[6...])
            )
        }
        guard let streamGradients else {
            gradients = nil
            return
        }
        // In Float32 a gradient and what products read of it are the same values.
        func pair(_ matrix: Matrix) -> Operand {
            extents.computeType == .float32 ? .float32(matrix) : operand(matrix.columnCount)
        }
        let attended = take(layout.queries)
        gradients = DecoderGradients(
            stream: streamGradients.0,
            streamOperand: pair(streamGradients.0),
            normed: streamGradients.1,
            queryKeyValue: operand(layout.queryKeyValue),
            attended: attended,
            attendedOperand: pair(attended),
            product: take(layout.inner),
            heads: room.take(rows: 2 * extents.rowCount, columns: layout.queries)
        )
    }

    /// The activations of a layer; layers that keep nothing share theirs.
    func layer(_ index: Int) -> LayerActivations { layers[index] }

    /// Where a product writes what `result` will hold: there itself in Float32, else into scratch.
    func target(of result: Operand) -> Matrix {
        if case .float32(let matrix) = result { return matrix }
        return wide.columns(0..<result.columnCount)
    }

    /// Rounds what a product wrote to ``target(of:)``; nothing to do in Float32.
    func finish(_ result: Operand) {
        guard case .bfloat16 = result else { return }
        result.store(wide.columns(0..<result.columnCount))
    }
}

/// How many values each view of a workspace has.
struct DecoderLayout {
    let hidden, inner, queries, queryKeyValue, heads, wide: Int
    /// The widths of what layers share: input, plain queries and keys, rotated queries, keys and
    /// values, attention's result, middle, gates and ups, then the tap's states.
    let sharedWidths: [Int]
    private let plainQueryKey: Int
    private let extents: DecoderWorkspace.Extents
    private let layerCount: Int

    init(_ configuration: ModelConfiguration, _ extents: DecoderWorkspace.Extents) {
        hidden = configuration.hiddenSize
        inner = configuration.intermediateSize
        queries = configuration.attentionHeadCount * configuration.headDimension
        let keys = configuration.keyValueHeadCount * configuration.headDimension
        queryKeyValue = queries + 2 * keys
        plainQueryKey = configuration.normalizesQueriesAndKeys ? queries + keys : 0
        heads = configuration.attentionHeadCount
        wide = extents.computeType == .float32 ? 0 : max(queryKeyValue, 2 * inner)
        self.extents = extents
        layerCount = configuration.layerCount
        let widest = ProjectionSite.allCases.indices.map { site in
            extents.tapWidths.map { $0[site] }.max() ?? 0
        }
        sharedWidths =
            [hidden, plainQueryKey, queryKeyValue, queries, hidden, 2 * inner] + widest
    }

    /// The widths of a layer's own views, in the order of ``sharedWidths``.
    func widths(layer: Int) -> [Int] {
        Array(sharedWidths[0..<6]) + extents.tapWidths[layer]
    }

    /// Which of its views a layer keeps to itself.
    func kept(layer: Int) -> [Bool] {
        let keeps = extents.trains && layer >= extents.lowestLayer
        let keepsRest = keeps && extents.recomputation != .layer
        let keepsMLP = keeps && extents.recomputation == .none
        let states = ProjectionSite.allCases.map { site in
            site == .mlpInput || site == .mlpOutput ? keepsMLP : keepsRest
        }
        return [keeps, keepsRest, keepsRest, keepsRest, keepsRest, keepsMLP] + states
    }

    /// The Float32 values that a workspace takes: what lasts, and the larger of the logits and of
    /// the scratch that they stand over.
    var valueCount: Int { lastingCount + max(scratchCount, extents.logitsCount) }

    /// What lives through the loss: the stream, its norm and gradients, and what layers keep.
    var lastingCount: Int {
        var count = matrix(hidden) + operand(hidden)
        for layer in 0..<layerCount {
            let kept = kept(layer: layer)
            for (width, isOwn) in zip(widths(layer: layer), kept) where isOwn {
                count += operand(width)
            }
            if kept[2] { count += matrix(heads) }
        }
        return count + (extents.trains ? 2 * matrix(hidden) : 0)
    }

    /// The width of a view that layers share; 0 where each of them keeps its own.
    func sharedWidth(_ index: Int) -> Int {
        let isShared = (0..<layerCount).contains { !kept(layer: $0)[index] }
        return isShared ? sharedWidths[index] : 0
    }

    /// Scratch of layers and gradients.
    var scratchCount: Int {
        var count = matrix(wide) + operand(inner)
        count += sharedWidths.indices.reduce(0) { $0 + operand(sharedWidth($1)) }
        count += matrix(sharedWidth(2) > 0 ? heads : 0)
        guard extents.trains else { return count }
        count += operand(queryKeyValue) + matrix(queries) + matrix(inner)
        count += FloatBuffer.room(rows: 2 * extents.rowCount, columns: queries)
        let isHalf = extents.computeType == .bfloat16
        return count + (isHalf ? operand(hidden) + operand(queries) : 0)
    }

    private func matrix(_ columns: Int) -> Int {
        FloatBuffer.room(rows: extents.rowCount, columns: columns)
    }

    private func operand(_ columns: Int) -> Int {
        FloatBuffer.room(rows: extents.rowCount, columns: columns, type: extents.computeType)
    }
}
