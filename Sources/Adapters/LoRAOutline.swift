public import Checkpoints
public import Kernels
public import Models

/// What a LoRA adapter takes in memory and operations, without the adapter.
public struct LoRAOutline: Hashable, Sendable {
    /// The values of all parameters.
    public let parameterCount: Int
    /// The values of those that are trained.
    public let trainedParameterCount: Int
    /// What it keeps at the model's projections.
    public let tap: TapOutline

    private let rank: Int
    private let widestState: Int
    private let siteCountMax: Int
    private let outputSizeMax: Int

    /// Describes an adapter of which the layers from `firstTrainedLayer` on are trained.
    public init(
        configuration: LoRAConfiguration,
        model: ModelConfiguration,
        firstTrainedLayer: Int = 0
    ) {
        let layout = LoRALayout(configuration: configuration, model: model)
        rank = layout.rank
        parameterCount = layout.count
        trainedParameterCount = layout.count - layout.offset(ofLayer: firstTrainedLayer)
        let widths = (0..<model.layerCount).map { layer in
            ProjectionSite.allCases.map {
                layout.pairs(layer: layer, site: $0).count * layout.rank
            }
        }
        let lowest = widths.indices.first { layer in
            layer >= firstTrainedLayer && widths[layer].contains { $0 > 0 }
        }
        tap = TapOutline(stateWidths: widths, firstTrainedLayer: lowest ?? model.layerCount)
        widestState = widths.joined().max() ?? 0
        siteCountMax = layout.siteCountMax
        outputSizeMax = layout.pairs.map(\.outputSize).max() ?? 0
    }

    /// The bytes that the adapter computes with besides its parameters and gradients.
    public func scratchByteCount(rowCount: Int, type: ComputeType, trains: Bool) -> Int {
        let rounded =
            type == .bfloat16 ? FloatBuffer.room(rows: 1, columns: siteCountMax, type: type) : 0
        return 4 * (rowCount * widestState + rounded + (trains ? rank * outputSizeMax : 0))
    }
}
