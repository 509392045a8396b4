public import Checkpoints
public import Kernels

/// What a READ adapter takes in memory and operations, without the adapter.
public struct READOutline: Hashable, Sendable {
    /// The values of all parameters, all of them trained.
    public let parameterCount: Int

    private let configuration: READConfiguration
    private let model: ModelConfiguration

    /// Describes an adapter for a model.
    public init(configuration: READConfiguration, model: ModelConfiguration) {
        self.configuration = configuration
        self.model = model
        parameterCount =
            READLayout(configuration: configuration, hiddenSize: model.hiddenSize).count
    }

    /// The bytes that a training pass over as many wanted rows takes besides the parameters and
    /// gradients.
    public func passByteCount(rowCount: Int, chunkRowCount: Int, type: ComputeType) -> Int {
        let counts = memory.valueCounts(
            rowCount: rowCount, chunkRowCount: chunkRowCount, type: type)
        return 4 * (counts.states + counts.chunk + counts.weights)
    }

    /// As ``READAdapter/operationCount(rowCount:)``.
    public func operationCount(rowCount: Int) -> Int {
        READAdapter.operationCount(
            configuration: configuration, hiddenSize: model.hiddenSize,
            stepCount: memory.stepCount, rowCount: rowCount)
    }

    private var memory: READMemory {
        READMemory(
            configuration: configuration, hiddenSize: model.hiddenSize,
            layerCount: model.layerCount)
    }
}
