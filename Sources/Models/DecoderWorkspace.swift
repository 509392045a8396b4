internal import Checkpoints
internal import Kernels

/// What one decoder layer computes and, in training, keeps for its backward pass.
///
/// Norm outputs and the gated product are computed again there: they cost little time and half of
/// the memory.
struct LayerActivations {
    /// The residual stream before the layer: [row, channel].
    let input: Matrix
    /// Rotated queries, rotated keys, values: [row, (H + 2 x key/value heads) x D].
    let queryKeyValue: Matrix
    /// Shape: [row, H].
    let logSumExp: Matrix
    /// Attention's result: [row, H x D].
    let attended: Matrix
    /// The residual stream between attention and MLP: [row, channel].
    let middle: Matrix
    /// Gates, ups: [row, 2 x MLP channel].
    let gateUp: Matrix
    /// What a tap keeps at each site: [row, its width].
    let tapStates: [Matrix]
}

/// Scratch for gradients.
struct DecoderGradients {
    /// Of the residual stream: [row, channel].
    let stream: Matrix
    /// Of a norm's output: [row, channel].
    let normed: Matrix
    /// Of queries, keys and values.
    let queryKeyValue: Matrix
    /// Of attention's result.
    let attended: Matrix
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
        /// The values per row that a tap keeps, by layer and site.
        let tapWidths: [[Int]]

        /// One layer's worth per set of activations that exists at the same time: all layers in
        /// training; one that all layers share otherwise.
        var heldTapWidths: [[Int]] {
            if trains { return tapWidths }
            let widest = ProjectionSite.allCases.indices.map { site in
                tapWidths.map { $0[site] }.max() ?? 0
            }
            return [widest]
        }
    }

    private let layers: [LayerActivations]
    /// The residual stream after the last layer: [row, channel].
    let stream: Matrix
    /// A norm's output: [row, channel].
    let normed: Matrix
    /// The gated product: [row, MLP channel].
    let product: Matrix
    /// `nil` unless a backward pass follows.
    let gradients: DecoderGradients?

    /// Lays the views out in `buffer`, which is replaced first if it is too small.
    init(configuration: ModelConfiguration, extents: Extents, buffer: inout FloatBuffer) {
        let widths = Widths(configuration)
        let rowCount = extents.rowCount
        let count = widths.valueCount(extents)
        if buffer.count < count {
            // The old one goes before the new one comes.
            buffer = FloatBuffer(count: 0)
            buffer = FloatBuffer(count: count)
        }
        buffer.reset()
        let room = buffer
        func take(_ columns: Int) -> Matrix { room.take(rows: rowCount, columns: columns) }
        stream = take(widths.hidden)
        normed = take(widths.hidden)
        product = take(widths.inner)
        layers = extents.heldTapWidths.map { tapWidths in
            LayerActivations(
                input: take(widths.hidden),
                queryKeyValue: take(widths.queryKeyValue),
                logSumExp: take(widths.heads),
                attended: take(widths.queries),
                middle: take(widths.hidden),
                gateUp: take(2 * widths.inner),
                tapStates: tapWidths.map(take)
            )
        }
        guard extents.trains else {
            gradients = nil
            return
        }
        gradients = DecoderGradients(
            stream: take(widths.hidden),
            normed: take(widths.hidden),
            queryKeyValue: take(widths.queryKeyValue),
            attended: take(widths.queries),
            product: take(widths.inner),
            heads: room.take(rows: 2 * rowCount, columns: widths.queries)
        )
    }

    /// The activations of a layer; outside training every layer has the same ones.
    func layer(_ index: Int) -> LayerActivations {
        layers[min(index, layers.count - 1)]
    }

    /// The columns per row of each kind of activation.
    private struct Widths {
        let hidden, inner, queries, queryKeyValue, heads: Int

        init(_ configuration: ModelConfiguration) {
            hidden = configuration.hiddenSize
            inner = configuration.intermediateSize
            queries = configuration.attentionHeadCount * configuration.headDimension
            queryKeyValue =
                queries + 2 * configuration.keyValueHeadCount * configuration.headDimension
            heads = configuration.attentionHeadCount
        }

        func valueCount(_ extents: Extents) -> Int {
            func room(_ columns: [Int]) -> Int {
                columns.reduce(0) { $0 + FloatBuffer.room(rows: extents.rowCount, columns: $1) }
            }
            let layer = room([hidden, queryKeyValue, heads, queries, hidden, 2 * inner])
            let held = extents.heldTapWidths
            let gradients = [hidden, hidden, queryKeyValue, queries, inner, queries, queries]
            return room([hidden, hidden, inner]) + layer * held.count + room(held.flatMap(\.self))
                + (extents.trains ? room(gradients) : 0)
        }
    }
}
