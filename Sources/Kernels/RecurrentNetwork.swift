/// A recurrent network of one layer that runs over the blocks of its input, each with one row per
/// sequence of states; rows don't see each other.
///
/// The gradients of the weights are one product each over all steps.
public struct RecurrentNetwork {
    /// The kind of step.
    public let cell: RecurrentCell
    /// W, as products read it: [gates x state, input].
    public let inputWeight: Operand
    /// U, as products read it: [gates x state, state].
    public let stateWeight: Operand
    /// What ``RecurrentBuffers`` calls the gates' bias: [1, blocks x state].
    public let bias: Matrix

    /// Puts a network together; both weights have one type.
    public init(
        cell: RecurrentCell,
        inputWeight: Operand,
        stateWeight: Operand,
        bias: Matrix
    ) {
        let count = stateWeight.columnCount
        precondition(
            inputWeight.rowCount == cell.gateCount * count
                && stateWeight.rowCount == inputWeight.rowCount
                && bias.extents == [1, cell.blockCount * count]
                && inputWeight.type == stateWeight.type,
            "\(inputWeight.extents) and \(stateWeight.extents) with bias \(bias.extents)"
        )
        self.cell = cell
        self.inputWeight = inputWeight
        self.stateWeight = stateWeight
        self.bias = bias
    }

    /// Adds both of PyTorch's biases where the gates take them.
    ///
    /// Shape: [1, gates x state] each → [1, blocks x state].
    public static func joinBiases(
        input: Matrix,
        state: Matrix,
        cell: RecurrentCell,
        into bias: Matrix
    ) {
        let count = input.columnCount / cell.gateCount
        precondition(
            input.extents == state.extents && bias.extents == [1, cell.blockCount * count],
            "\(input.extents) and \(state.extents) into \(bias.extents)"
        )
        bias.fill(0)
        let own = 0..<cell.gateCount * count
        bias.columns(own).copy(from: state)
        for part in cell.inputParts(stateCount: count) {
            RowSum.add(input.columns(part.rows), toRowsOf: bias.columns(part.columns))
        }
    }

    /// Runs over the blocks of `inputs`, from the first state of `buffers` on.
    ///
    /// Shape: [block x row, input]; the states that it leaves are those of `buffers`.
    ///
    /// - Complexity: O(blocks x rows x gates x state x (input + state)).
    public func forward(_ inputs: Operand, _ buffers: RecurrentBuffers) {
        precondition(
            inputs.rowCount == buffers.gates.rowCount
                && inputs.columnCount == inputWeight.columnCount && buffers.cell == cell,
            "\(inputs.extents) for \(inputWeight.extents) and gates \(buffers.gates.extents)"
        )
        let count = stateWeight.columnCount
        let own = 0..<cell.gateCount * count
        for step in 0..<buffers.stepCount {
            // Step by step, so that sums are in the cache when the state's part comes to them.
            let gates = buffers.gates(step)
            let input = inputs.rows(buffers.range(step))
            for part in cell.inputParts(stateCount: count) {
                MatrixProduct.multiplyTransposed(
                    input, inputWeight.rows(part.rows), into: gates.columns(part.columns))
            }
            if cell == .gru { gates.columns(2 * count..<3 * count).fill(0) }
            if step > 0 || !buffers.startsAtZero {
                MatrixProduct.multiplyTransposed(
                    buffers.rounded(step), stateWeight, into: gates.columns(own), adds: true)
            }
            cell.forward(
                gates: gates,
                bias: bias,
                state: (buffers.state(step), buffers.state(step + 1)),
                memory: buffers.memories(around: step),
                rounded: buffers.rounded(step + 1)
            )
        }
    }

    /// What each state's gradient takes from outside of the network.
    public enum OutputGradient: Hashable, Sendable {
        /// The last state alone is used.
        case last
        /// Every state is used alike.
        case every
    }

    /// Goes back through all steps.
    ///
    /// - Parameters:
    ///   - inputs: as for ``forward(_:_:)``, whose states `buffers` hold.
    ///   - output: Shape: [row, state]; the gradient of the last state, or of each of them.
    ///   - gradients: the weights' take sums on top of what they hold but for `inputWeight`, which is
    ///     replaced.
    /// - Returns: The gradient of the first state, which stays until the next call; of no meaning where
    ///   that state is 0 by ``RecurrentBuffers/clearFirstState()``.
    /// - Complexity: about twice that of the forward pass.
    public func backward(
        _ inputs: Operand,
        _ buffers: RecurrentBuffers,
        output: Matrix,
        reaches: OutputGradient,
        gradients: RecurrentGradients
    ) -> Matrix {
        let count = stateWeight.columnCount
        let own = 0..<cell.gateCount * count
        let gradient = buffers.stateGradient
        precondition(output.extents == gradient.extents, "\(output.extents)")
        gradient.copy(from: output)
        buffers.memoryGradient?.fill(0)
        for step in (0..<buffers.stepCount).reversed() {
            let gateGradient = buffers.gateGradient(step)
            cell.backward(
                gates: buffers.gates(step),
                state: (buffers.state(step), buffers.state(step + 1)),
                memory: buffers.memories(around: step),
                stateGradient: gradient,
                memoryGradient: buffers.memoryGradient,
                into: gateGradient
            )
            // No one asks for the gradient of a first state that is always 0.
            if step == 0 && buffers.startsAtZero { break }
            MatrixProduct.multiply(
                gateGradient.columns(own), stateWeight, into: gradient, adds: cell.carriesState)
            if reaches == .every, step > 0 { RowSum.add(rows: output, to: gradient) }
        }
        let all = buffers.gateGradients
        // States of 0 add nothing.
        let first = buffers.startsAtZero ? buffers.range(0).upperBound : 0
        let rows = first..<buffers.gates.rowCount
        MatrixProduct.multiplyTransposing(
            all.rows(rows).columns(own), buffers.roundedStates.rows(rows),
            into: gradients.stateWeight, adds: true)
        RowSum.addColumnSums(of: all.columns(own), to: gradients.stateBias)
        for part in cell.inputParts(stateCount: count) {
            let columns = all.columns(part.columns)
            MatrixProduct.multiplyTransposing(
                columns, inputs, into: gradients.inputWeight.rows(part.rows))
            RowSum.addColumnSums(of: columns, to: gradients.inputBias.columns(part.rows))
        }
        return gradient
    }
}

/// Where a network's gradients go.
public struct RecurrentGradients {
    /// Shape: [gates x state, input].
    public let inputWeight: Matrix
    /// Shape: [gates x state, state].
    public let stateWeight: Matrix
    /// Shape: [1, gates x state].
    public let inputBias: Matrix
    /// Shape: [1, gates x state].
    public let stateBias: Matrix

    /// Names the places.
    public init(inputWeight: Matrix, stateWeight: Matrix, inputBias: Matrix, stateBias: Matrix) {
        self.inputWeight = inputWeight
        self.stateWeight = stateWeight
        self.inputBias = inputBias
        self.stateBias = stateBias
    }
}
