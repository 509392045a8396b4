import Kernels
import Testing

@Suite struct RecurrentNetworkTests {
    /// A network with its parameters and inputs drawn at random.
    struct Case {
        var reference: ReferenceRecurrentNetwork
        var inputs, first, weights: ReferenceMatrix
        let steps, rows: Int

        init(_ cell: RecurrentCell, steps: Int, rows: Int, inputs: Int, states: Int) {
            var sample = Sample(seed: UInt64(steps * 100 + rows * 10 + states))
            let gates = cell.gateCount * states
            reference = ReferenceRecurrentNetwork(
                cell: cell, inputWeight: sample.matrix(gates, inputs),
                stateWeight: sample.matrix(gates, states),
                inputBias: sample.matrix(1, gates).values,
                stateBias: sample.matrix(1, gates).values)
            self.inputs = sample.matrix(steps * rows, inputs)
            first = sample.matrix(rows, states)
            weights = sample.matrix(rows, states)
            (self.steps, self.rows) = (steps, rows)
        }

        /// What a loss takes of the states: sums with `weights`.
        func loss(_ states: ReferenceMatrix, reaches: RecurrentNetwork.OutputGradient)
            -> ReferenceMatrix
        {
            var sum = 0.0
            for step in 1...steps where reaches == .every || step == steps {
                for row in 0..<rows {
                    sum += zip(states.row(step * rows + row), weights.row(row))
                        .reduce(0) { $0 + $1.0 * $1.1 }
                }
            }
            return ReferenceMatrix(1, 1, values: [sum])
        }
    }

    /// The kernels' states and gradients for a case.
    struct Run {
        let states: Matrix
        let first, inputWeight, stateWeight, inputBias, stateBias: Matrix

        init(
            _ test: Case,
            _ type: ComputeType,
            reaches: RecurrentNetwork.OutputGradient
        ) {
            let cell = test.reference.cell
            let count = test.first.columnCount
            let gates = cell.gateCount * count
            let bias = OwnedMatrix(1, cell.blockCount * count)
            RecurrentNetwork.joinBiases(
                input: OwnedMatrix(row(test.reference.inputBias)).matrix,
                state: OwnedMatrix(row(test.reference.stateBias)).matrix,
                cell: cell, into: bias.matrix)
            let network = RecurrentNetwork(
                cell: cell,
                inputWeight: OwnedOperand(test.reference.inputWeight, type).operand,
                stateWeight: OwnedOperand(test.reference.stateWeight, type).operand,
                bias: bias.matrix)
            let extents = RecurrentBuffers.Extents(
                cell: cell, stateCount: count, stepCount: test.steps, rowCount: test.rows,
                type: type)
            // Exactly as much room as the formula says.
            var buffers = RecurrentBuffers(
                extents, from: FloatBuffer(count: extents.valueCount))
            buffers.clearFirstState()
            buffers.state(0).copy(from: OwnedMatrix(test.first).matrix)
            buffers.finishFirstState()
            let inputs = OwnedOperand(test.inputs, type).operand
            network.forward(inputs, buffers)
            let copy = OwnedMatrix(buffers.states.rowCount, count)
            copy.matrix.copy(from: buffers.states)
            states = copy.matrix
            // The input's weight is replaced, the others are added to.
            inputWeight = OwnedMatrix(gates, test.inputs.columnCount, filledWith: 7).matrix
            stateWeight = OwnedMatrix(gates, count, filledWith: 2).matrix
            inputBias = OwnedMatrix(1, gates, filledWith: 2).matrix
            stateBias = OwnedMatrix(1, gates, filledWith: 2).matrix
            first = network.backward(
                inputs, buffers, output: OwnedMatrix(test.weights).matrix, reaches: reaches,
                gradients: RecurrentGradients(
                    inputWeight: inputWeight, stateWeight: stateWeight, inputBias: inputBias,
                    stateBias: stateBias))
        }
    }

    static let extents = [(1, 1, 1, 1), (3, 2, 5, 4), (4, 17, 3, 16), (2, 5, 20, 33)]

    @Test(arguments: RecurrentCell.allCases, ComputeType.allCases)
    func `all states are those of plain loops`(cell: RecurrentCell, type: ComputeType) {
        for (steps, rows, inputs, states) in Self.extents {
            let test = Case(cell, steps: steps, rows: rows, inputs: inputs, states: states)
            let run = Run(test, type, reaches: .last)
            let expected = test.reference.forward(test.inputs, first: test.first)
            let tolerance = type == .float32 ? 1e-5 : 0.06
            #expect(distance(run.states, expected) < tolerance)
        }
    }

    /// Differences of the plain twin, in double, for every parameter and the first state.
    @Test(arguments: RecurrentCell.allCases, [RecurrentNetwork.OutputGradient.last, .every])
    func `every gradient is the slope of the values`(
        cell: RecurrentCell,
        reaches: RecurrentNetwork.OutputGradient
    ) {
        let test = Case(cell, steps: 4, rows: 3, inputs: 5, states: 6)
        let one = ReferenceMatrix(1, 1, values: [1])
        func slope(
            _ value: ReferenceMatrix,
            _ change: (inout Case, ReferenceMatrix) -> Void
        ) -> [Double] {
            finiteDifferences(
                of: { moved in
                    var test = test
                    change(&test, moved)
                    let states = test.reference.forward(test.inputs, first: test.first)
                    return test.loss(states, reaches: reaches)
                }, at: value, weights: one
            ).values
        }
        let run = Run(test, .float32, reaches: reaches)
        let network = test.reference
        let pairs: [(Matrix, Double, [Double])] = [
            (
                run.inputWeight, 0,
                slope(network.inputWeight) { $0.reference.inputWeight = $1 }
            ),
            (
                run.stateWeight, 2,
                slope(network.stateWeight) { $0.reference.stateWeight = $1 }
            ),
            (
                run.inputBias, 2,
                slope(row(network.inputBias)) { $0.reference.inputBias = $1.values }
            ),
            (
                run.stateBias, 2,
                slope(row(network.stateBias)) { $0.reference.stateBias = $1.values }
            ),
            (run.first, 0, slope(test.first) { $0.first = $1 }),
        ]
        for (gradient, before, expected) in pairs {
            let actual = gradient.values.map { Double($0) - before }
            #expect(distance(actual, expected) < 1e-5)
        }
    }

    @Test(arguments: RecurrentCell.allCases)
    func `gradients in bfloat16 are near those in Float32`(cell: RecurrentCell) {
        let test = Case(cell, steps: 5, rows: 12, inputs: 16, states: 16)
        let exact = Run(test, .float32, reaches: .every)
        let rounded = Run(test, .bfloat16, reaches: .every)
        for path in [\Run.inputWeight, \.stateWeight, \.inputBias, \.stateBias, \.first] {
            let expected = exact[keyPath: path].values.map { Double($0) }
            let actual = rounded[keyPath: path].values.map { Double($0) }
            #expect(distance(actual, expected) < 0.05)
            #expect(actual != expected)
        }
    }

    @Test func `rows don't see each other`() {
        for cell in RecurrentCell.allCases {
            let test = Case(cell, steps: 3, rows: 8, inputs: 4, states: 16)
            let whole = Run(test, .float32, reaches: .last)
            for lone in [0, 5] {
                var single = Case(cell, steps: 3, rows: 1, inputs: 4, states: 16)
                single.reference = test.reference
                single.first = row(Array(test.first.row(lone)))
                single.inputs = ReferenceMatrix(
                    3, 4, values: (0..<3).flatMap { test.inputs.row($0 * 8 + lone) })
                let run = Run(single, .float32, reaches: .last)
                for step in 1...3 {
                    let expected = whole.states.rows(step * 8 + lone..<step * 8 + lone + 1)
                    let actual = run.states.rows(step..<step + 1)
                    #expect(
                        distance(
                            actual.values.map { Double($0) }, expected.values.map { Double($0) })
                            < 1e-6)
                }
            }
        }
    }

    /// Far out, near 0 and where the two forms of tanh meet.
    @Test func `the hyperbolic tangent keeps its low bits`() {
        let places = [0, 1e-7, 3e-4, 0.02, 0.2, 0.29999, 0.3, 0.30001, 1, 3, 8, 20, 200]
        let inputs = places + places.map(-)
        let test = ReferenceRecurrentNetwork(
            cell: .rnn, inputWeight: row([1]), stateWeight: row([0]), inputBias: [0],
            stateBias: [0])
        let expected = test.forward(
            ReferenceMatrix(inputs.count, 1, values: inputs),
            first: ReferenceMatrix(inputs.count, 1))
        var run = Case(.rnn, steps: 1, rows: inputs.count, inputs: 1, states: 1)
        run.reference = test
        run.inputs = ReferenceMatrix(inputs.count, 1, values: inputs)
        run.first = ReferenceMatrix(inputs.count, 1)
        run.weights = ReferenceMatrix(inputs.count, 1)
        let states = Run(run, .float32, reaches: .last).states.values
        for index in inputs.indices {
            let wanted = expected[inputs.count + index, 0]
            let difference = abs(Double(states[inputs.count + index]) - wanted)
            #expect(difference <= 3e-7 * abs(wanted), "tanh(\(inputs[index]))")
        }
    }

    @Test func `scaled columns and their gradients agree with plain sums`() {
        var sample = Sample(seed: 5)
        let (x, f, gy) = (sample.matrix(3, 5), sample.matrix(1, 5), sample.matrix(3, 5))
        let y = OwnedMatrix(3, 5)
        ColumnScale.forward(
            OwnedMatrix(x, gap: 2).matrix, factors: OwnedMatrix(f).matrix, scale: 1.5,
            into: y.matrix)
        let (gx, gf) = (OwnedMatrix(3, 5, filledWith: 1), OwnedMatrix(1, 5, filledWith: 1))
        ColumnScale.backward(
            OwnedMatrix(x, gap: 2).matrix, factors: OwnedMatrix(f).matrix, scale: 1.5,
            outputGradient: OwnedMatrix(gy, gap: 1).matrix, addingTo: gx.matrix,
            factorGradient: gf.matrix)
        for column in 0..<5 {
            var sum = 1.0
            for row in 0..<3 {
                let expected = 1.5 * f[0, column] * x[row, column]
                #expect(abs(Double(y.matrix[row, column]) - expected) < 1e-6)
                let gradient = 1 + 1.5 * f[0, column] * gy[row, column]
                #expect(abs(Double(gx.matrix[row, column]) - gradient) < 1e-6)
                sum += 1.5 * x[row, column] * gy[row, column]
            }
            #expect(abs(Double(gf.matrix[0, column]) - sum) < 1e-6)
        }
    }
}

private func row(_ values: [Double]) -> ReferenceMatrix {
    ReferenceMatrix(1, values.count, values: values)
}
