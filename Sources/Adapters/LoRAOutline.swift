public import Checkpoints
public import Kernels
public import Models
internal import Tensors

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
        let adapted = (0..<model.layerCount).filter { configuration.adapts(layer: $0) }
        let trained = adapted.filter { $0 >= firstTrainedLayer }
        let sites = ProjectionSite.allCases.map { site in
            site.projections.filter(configuration.targets.contains)
        }
        let counts = sites.map { projections in
            projections.reduce(0) { count, projection in
                count + configuration.rank * projection.weightShape(in: model).extents.reduce(0, +)
            }
        }
        rank = configuration.rank
        parameterCount = adapted.count * counts.reduce(0, +)
        trainedParameterCount = trained.count * counts.reduce(0, +)
        let widths = sites.map { configuration.rank * $0.count }
        var stateWidths = [[Int]](
            repeating: widths.map { _ in 0 }, count: model.layerCount)
        for layer in adapted { stateWidths[layer] = widths }
        tap = TapOutline(
            stateWidths: stateWidths, firstTrainedLayer: trained.first ?? model.layerCount)
        widestState = adapted.isEmpty ? 0 : widths.max() ?? 0
        siteCountMax = adapted.isEmpty ? 0 : counts.max() ?? 0
        outputSizeMax =
            sites.joined().map { $0.weightShape(in: model).extents[0] }.max() ?? 0
    }

    /// The bytes that the adapter computes with besides its parameters and gradients.
    public func scratchByteCount(rowCount: Int, type: ComputeType, trains: Bool) -> Int {
        let rounded =
            type == .bfloat16 ? FloatBuffer.room(rows: 1, columns: siteCountMax, type: type) : 0
        return 4 * (rowCount * widestState + rounded + (trains ? rank * outputSizeMax : 0))
    }
}
