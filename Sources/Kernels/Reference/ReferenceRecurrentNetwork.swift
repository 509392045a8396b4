internal import Glibc

/// The plain twin of ``RecurrentNetwork``, with PyTorch's parameters.
package struct ReferenceRecurrentNetwork {
    package var cell: RecurrentCell
    /// Shape: [gates x state, input].
    package var inputWeight: ReferenceMatrix
    /// Shape: [gates x state, state].
    package var stateWeight: ReferenceMatrix
    package var inputBias: [Double]
    package var stateBias: [Double]

    package init(
        cell: RecurrentCell,
        inputWeight: ReferenceMatrix,
        stateWeight: ReferenceMatrix,
        inputBias: [Double],
        stateBias: [Double]
    ) {
        self.cell = cell
        self.inputWeight = inputWeight
        self.stateWeight = stateWeight
        self.inputBias = inputBias
        self.stateBias = stateBias
    }

    /// All states, the given first one among them.
    ///
    /// Shape: [step x row, input] with [row, state] → [(step + 1) x row, state].
    package func forward(_ inputs: ReferenceMatrix, first: ReferenceMatrix) -> ReferenceMatrix {
        let (rows, count) = (first.rowCount, first.columnCount)
        let steps = inputs.rowCount / rows
        var states = ReferenceMatrix((steps + 1) * rows, count)
        var memory = ReferenceMatrix(rows, count)
        for index in first.values.indices { states.values[index] = first.values[index] }
        for step in 0..<steps {
            for row in 0..<rows {
                let before = Array(states.row(step * rows + row))
                let after = next(
                    Array(inputs.row(step * rows + row)), before,
                    memory: &memory.values[row * count..<(row + 1) * count])
                for (index, value) in after.enumerated() {
                    states[(step + 1) * rows + row, index] = value
                }
            }
        }
        return states
    }

    private func next(
        _ input: [Double],
        _ state: [Double],
        memory: inout ArraySlice<Double>
    ) -> [Double] {
        let count = state.count
        func product(_ weight: ReferenceMatrix, _ gate: Int, _ unit: Int, _ x: [Double]) -> Double {
            zip(weight.row(gate * count + unit), x).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return (0..<count).map { unit in
            func fromInput(_ gate: Int) -> Double {
                product(inputWeight, gate, unit, input) + inputBias[gate * count + unit]
            }
            func fromState(_ gate: Int) -> Double {
                product(stateWeight, gate, unit, state) + stateBias[gate * count + unit]
            }
            func sum(_ gate: Int) -> Double { fromInput(gate) + fromState(gate) }
            switch cell {
            case .rnn: return tanh(sum(0))
            case .gru:
                let (r, z) = (Self.sigmoid(sum(0)), Self.sigmoid(sum(1)))
                let n = tanh(fromInput(2) + r * fromState(2))
                return (1 - z) * n + z * state[unit]
            case .lstm:
                let place = memory.startIndex + unit
                let kept =
                    Self.sigmoid(sum(1)) * memory[place] + Self.sigmoid(sum(0)) * tanh(sum(2))
                memory[place] = kept
                return Self.sigmoid(sum(3)) * tanh(kept)
            }
        }
    }

    private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
