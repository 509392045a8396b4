internal import Checkpoints
internal import Kernels

/// What an adapter keeps at the projections of a pass, without the adapter.
public struct TapOutline: Hashable, Sendable {
    /// The values per row that it keeps, by layer and site; 0 where nothing is adapted.
    public var stateWidths: [[Int]]
    /// The first layer, from 0, that takes gradients; the number of layers for a pass without any.
    public var firstTrainedLayer: Int

    /// Makes an outline; every layer has a width for each site.
    public init(stateWidths: [[Int]], firstTrainedLayer: Int) {
        precondition(
            stateWidths.allSatisfy { $0.count == ProjectionSite.allCases.count },
            "widths of \(stateWidths.map(\.count)) sites")
        self.stateWidths = stateWidths
        self.firstTrainedLayer = firstTrainedLayer
    }
}

extension ModelMemory {
    /// What a pass with an adapter at the projections takes, by extents alone: the figures of
    /// ``CausalLanguageModel/memory(rowCount:length:tap:)``.
    ///
    /// - Parameters:
    ///   - rowCount: the positions of all sequences that pass at once.
    ///   - length: the positions of one of them.
    ///   - trains: whether a backward pass follows.
    ///   - threadCount: the threads that compute.
    public init(
        _ outline: ModelOutline,
        options: ModelOptions,
        rowCount: Int,
        length: Int,
        tap: TapOutline,
        trains: Bool,
        threadCount: Int
    ) {
        let model = outline.configuration
        var extents = DecoderWorkspace.Extents(
            rowCount: rowCount,
            trains: trains,
            lowestLayer: tap.firstTrainedLayer,
            tapWidths: tap.stateWidths,
            computeType: options.computeType,
            recomputation: options.recomputation,
            logitsCount: 0
        )
        extents.logitsCount = extents.logitsCount(model, options)
        self.init(
            weightByteCount: outline.weightByteCount(options.storage, threadCount: threadCount),
            configuration: model, extents: extents, length: length, threadCount: threadCount)
    }

    /// What a pass with an adapter behind the last layer takes, by extents alone.
    ///
    /// - Parameters:
    ///   - adapterByteCount: what the adapter keeps of the hidden states and computes with.
    ///   - threadCount: the threads that compute.
    public init(
        _ outline: ModelOutline,
        options: ModelOptions,
        hiddenTapRowCount rowCount: Int,
        length: Int,
        adapterByteCount: Int,
        threadCount: Int
    ) {
        let model = outline.configuration
        self.init(
            weightByteCount: outline.weightByteCount(options.storage, threadCount: threadCount),
            configuration: model,
            extents: DecoderWorkspace.Extents(hiddenTapRowCount: rowCount, model, options),
            length: length, threadCount: threadCount)
        self.adapterByteCount = adapterByteCount
    }

    init(
        weightByteCount: Int,
        configuration: ModelConfiguration,
        extents: DecoderWorkspace.Extents,
        length: Int,
        threadCount: Int
    ) {
        let attention = Attention.scratchCountPerThread(
            keyCount: length, headDimension: configuration.headDimension)
        self.init(
            weightByteCount: weightByteCount,
            activationByteCount: 4 * DecoderLayout(configuration, extents).valueCount,
            attentionByteCount: 4 * threadCount * attention
        )
    }
}
