internal import Kernels

extension READAdapter {
    /// The operations, two for each multiplication with its addition, that the products of a training
    /// pass over as many wanted rows take, besides the model's one forward pass and its head.
    ///
    /// With G gates of h values, d channels and N adapted layers: per row N x 2 G h (d + h) forward, N x 2
    /// G h (d + 2 h) back, for the states are no one's result, and 6 d h for the output.
    public func operationCount(rowCount: Int) -> Int {
        Self.operationCount(
            configuration: configuration, hiddenSize: hiddenSize, stepCount: memory.stepCount,
            rowCount: rowCount)
    }

    static func operationCount(
        configuration: READConfiguration,
        hiddenSize: Int,
        stepCount: Int,
        rowCount: Int
    ) -> Int {
        let state = configuration.stateSize
        let gates = configuration.cell.gateCount * state
        let forward = 2 * gates * (hiddenSize + state)
        let backward = 2 * gates * (hiddenSize + 2 * state)
        let start = configuration.startsFromEmbedding ? 4 * state * hiddenSize : 0
        return rowCount
            * (stepCount * (forward + backward) + 6 * hiddenSize * state + start)
    }
}
