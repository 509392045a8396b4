internal import Kernels

/// A READ adapter's parameters as the products of one pass read them.
///
/// The norm's weight and the scale of its result are multiplied into the weights behind it, so that
/// the states are kept once, normed, for all products: W norm(x) diag = (W diag) norm(x). The gradient G
/// of W diag(w) then gives that of W, G diag(w), and of w, the column sums of W G, and none of the
/// states' width is needed.
struct READWeights {
    let network: RecurrentNetwork
    /// Shape: [channel, state].
    let output: Operand
    /// out_scale b: [1, channel].
    let outputBias: Matrix
    /// Shape: [state, channel]; `nil` where the first state is 0.
    let start: Operand?
    /// Room for the gradient of the input's weight: [gates x state, channel].
    let scratch: Matrix
    /// 1 for every channel.
    let ones: Matrix

    static func valueCount(
        _ configuration: READConfiguration,
        hiddenSize: Int,
        type: ComputeType
    ) -> Int {
        let state = configuration.stateSize
        let gates = configuration.cell.gateCount * state
        var count = FloatBuffer.room(rows: gates, columns: hiddenSize)
        count += FloatBuffer.room(rows: 1, columns: configuration.cell.blockCount * state)
        count += 2 * FloatBuffer.room(rows: 1, columns: hiddenSize)
        count += FloatBuffer.room(rows: gates, columns: hiddenSize, type: type)
        count += FloatBuffer.room(rows: gates, columns: state, type: type)
        count += FloatBuffer.room(rows: hiddenSize, columns: state, type: type)
        if configuration.startsFromEmbedding {
            count += FloatBuffer.room(rows: state, columns: hiddenSize, type: type)
        }
        return count
    }

    init(_ adapter: READAdapter, type: ComputeType, from buffer: FloatBuffer) {
        buffer.reset()
        let configuration = adapter.configuration
        let norm = adapter.parameter(.norm)
        let inputWeight = adapter.parameter(.inputWeight)
        let scratch = buffer.take(
            rows: inputWeight.rowCount, columns: inputWeight.columnCount)
        self.scratch = scratch
        func rounded(_ matrix: Matrix) -> Operand {
            let operand = buffer.take(
                rows: matrix.rowCount, columns: matrix.columnCount, type: type)
            operand.store(matrix)
            return operand
        }
        func folded(_ weight: Matrix, scale: Double) -> Operand {
            let result = scratch.rows(0..<weight.rowCount)
            ColumnScale.forward(weight, factors: norm, scale: Float(scale), into: result)
            return rounded(result)
        }
        let bias = buffer.take(
            rows: 1, columns: configuration.cell.blockCount * configuration.stateSize)
        RecurrentNetwork.joinBiases(
            input: adapter.parameter(.inputBias), state: adapter.parameter(.stateBias),
            cell: configuration.cell, into: bias)
        ones = buffer.take(rows: 1, columns: adapter.hiddenSize)
        ones.fill(1)
        outputBias = buffer.take(rows: 1, columns: adapter.hiddenSize)
        ColumnScale.forward(
            adapter.parameter(.outputBias), factors: ones,
            scale: Float(configuration.outputScale), into: outputBias)
        network = RecurrentNetwork(
            cell: configuration.cell,
            inputWeight: folded(inputWeight, scale: configuration.inputScale),
            stateWeight: rounded(adapter.parameter(.stateWeight)),
            bias: bias
        )
        output = rounded(adapter.parameter(.outputWeight))
        start =
            configuration.startsFromEmbedding
            ? folded(adapter.parameter(.startWeight), scale: 1) : nil
    }
}
