internal import Checkpoints
internal import Kernels

extension DecoderWorkspace.Extents {
    /// The sizes of a pass with an adapter behind the last layer: layers keep nothing, and the
    /// gradients of a chunk lie behind its logits.
    init(hiddenTapRowCount rowCount: Int, _ model: ModelConfiguration, _ options: ModelOptions) {
        let chunkRowCount = min(options.hiddenTapRowCount, rowCount)
        let logits = chunkRowCount * model.vocabularySize
        let chunk = FloatBuffer.room(rows: chunkRowCount, columns: model.hiddenSize)
        self.init(
            rowCount: rowCount,
            trains: false,
            lowestLayer: model.layerCount,
            tapWidths: Array(
                repeating: ProjectionSite.allCases.map { _ in 0 }, count: model.layerCount),
            computeType: options.computeType,
            recomputation: options.recomputation,
            logitsCount: FloatBuffer.room(rows: 1, columns: logits) + 2 * chunk
        )
    }

    /// The rows whose logits exist at the same time: as many as fit over the pass's scratch, but no
    /// fewer than 32, for below, the products with the head wait for memory.
    func logitsRowCount(_ model: ModelConfiguration, _ options: ModelOptions) -> Int {
        if let count = options.logitsRowCount { return count }
        let scratch = DecoderLayout(model, self).scratchCount
        return max(32, min(scratch / model.vocabularySize, 256) / 16 * 16)
    }

    /// The values of the logits that exist at the same time.
    func logitsCount(_ model: ModelConfiguration, _ options: ModelOptions) -> Int {
        min(logitsRowCount(model, options), rowCount) * model.vocabularySize
    }
}

extension ModelOptions {
    /// The rows that a tap of hidden states sees at once; its states of one chunk live together with
    /// the logits.
    ///
    /// 128 unless told otherwise: products are within some percent of their full speed, and
    /// the logits of a vocabulary of 49152 take 25 MB.
    public var hiddenTapRowCount: Int { logitsRowCount ?? 128 }
}

extension Attention {
    /// The attention of a model's heads.
    init(_ model: ModelConfiguration, _ visible: VisibleKeys) {
        self.init(
            visible: visible,
            headCount: model.attentionHeadCount,
            keyValueHeadCount: model.keyValueHeadCount,
            headDimension: model.headDimension
        )
    }
}
