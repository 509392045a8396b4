public import Kernels
public import Models

/// One chunk between its forward and its backward pass.
struct READChunk {
    let rows: Range<Int>
    var buffers: RecurrentBuffers
    /// z as products read it, times the number of steps where it is their mean: [row, state].
    let state: Operand
    /// Room for the gradient of z: [row, state].
    let stateGradient: Matrix
    /// Room for an operand of the output's width: [row, channel].
    let hidden: Operand
}

extension READAdapter: HiddenStateTap {
    /// Takes in the rows, and folds and rounds the parameters.
    public func begin(rows: [Int], chunkRowCount: Int, type: ComputeType, trains: Bool) {
        memory.begin(rows: rows, chunkRowCount: chunkRowCount, type: type)
        weights = READWeights(self, type: type, from: memory.weights)
        chunk = nil
    }

    /// Keeps the normed state where the network sees it.
    public func take(_ stream: Matrix, depth: Int) {
        guard let index = memory.depths.firstIndex(of: depth), let weights else { return }
        memory.forEachRun(depthIndex: index) { rows, states in
            RMSNorm.forward(
                .float32(stream.rows(rows)), weight: weights.ones, epsilon: Self.normEpsilon,
                into: states)
        }
    }

    /// Adds out_scale (W z + b).
    public func correct(_ hidden: Matrix, rows: Range<Int>) {
        guard let weights else { preconditionFailure("a pass that has not begun") }
        var chunk = makeChunk(rows)
        let inputs = memory.states(of: rows)
        let first = chunk.buffers.state(0)
        if let start = weights.start {
            MatrixProduct.multiplyTransposed(inputs.rows(0..<rows.count), start, into: first)
            RowSum.add(parameter(.startBias), toRowsOf: first)
            chunk.buffers.finishFirstState()
        } else {
            chunk.buffers.clearFirstState()
        }
        self.chunk = chunk
        weights.network.forward(steps(of: inputs, rows), chunk.buffers)
        if configuration.aggregation == .mean { addUp(chunk) }
        MatrixProduct.multiplyTransposed(
            chunk.state, weights.output, into: hidden, scale: outputFactor, adds: true)
        RowSum.add(weights.outputBias, toRowsOf: hidden)
    }

    /// Goes back through the output and the network.
    public func accumulateGradients(_ gradient: Matrix, rows: Range<Int>) {
        guard let weights, let chunk, chunk.rows == rows else {
            preconditionFailure("rows \(rows) were not corrected last")
        }
        let outputGradient: Operand
        if case .float32 = chunk.hidden {
            outputGradient = .float32(gradient)
        } else {
            outputGradient = chunk.hidden
            outputGradient.store(gradient)
        }
        MatrixProduct.multiplyTransposing(
            outputGradient, chunk.state, into: self.gradient(.outputWeight), scale: outputFactor,
            adds: true)
        RowSum.addColumnSums(
            of: .float32(gradient), to: self.gradient(.outputBias),
            scale: Float(configuration.outputScale))
        MatrixProduct.multiply(
            outputGradient, weights.output, into: chunk.stateGradient, scale: outputFactor)
        let inputs = memory.states(of: rows)
        let start = weights.network.backward(
            steps(of: inputs, rows),
            chunk.buffers,
            output: chunk.stateGradient,
            reaches: configuration.aggregation == .mean ? .every : .last,
            gradients: RecurrentGradients(
                inputWeight: weights.scratch,
                stateWeight: self.gradient(.stateWeight),
                inputBias: self.gradient(.inputBias),
                stateBias: self.gradient(.stateBias)
            )
        )
        unfold(.inputWeight, scale: configuration.inputScale)
        guard weights.start != nil else { return }
        // The rounded first state is not needed any more.
        let rounded: Operand =
            memory.type == .float32 ? .float32(start) : chunk.buffers.rounded(0)
        if memory.type != .float32 { rounded.store(start) }
        MatrixProduct.multiplyTransposing(
            rounded, inputs.rows(0..<rows.count),
            into: weights.scratch.rows(0..<configuration.stateSize))
        RowSum.addColumnSums(of: .float32(start), to: self.gradient(.startBias))
        unfold(.startWeight, scale: 1)
    }

    /// The formula that ``READMemory`` follows.
    public func passByteCount(rowCount: Int, chunkRowCount: Int, type: ComputeType) -> Int {
        let counts = memory.valueCounts(
            rowCount: rowCount, chunkRowCount: chunkRowCount, type: type)
        return 4 * (counts.states + counts.chunk + counts.weights)
    }

    /// What the product of the output takes z by, which is a sum where the mean is wanted.
    private var outputFactor: Float {
        let count = configuration.aggregation == .mean ? memory.stepCount : 1
        return Float(configuration.outputScale / Double(count))
    }

    private func makeChunk(_ rows: Range<Int>) -> READChunk {
        let room = memory.chunk
        room.reset()
        let (count, type) = (rows.count, memory.type)
        let buffers = RecurrentBuffers(
            memory.extents(rowCount: count, type: type), from: room)
        let sum = room.take(rows: count, columns: configuration.stateSize, type: type)
        return READChunk(
            rows: rows,
            buffers: buffers,
            state: configuration.aggregation == .mean ? sum : buffers.rounded(memory.stepCount),
            stateGradient: room.take(rows: count, columns: configuration.stateSize),
            hidden: room.take(rows: count, columns: hiddenSize, type: type)
        )
    }

    private func addUp(_ chunk: READChunk) {
        // Its gradient is computed later.
        let sum = chunk.stateGradient
        sum.copy(from: chunk.buffers.state(1))
        for step in 1..<max(memory.stepCount, 1) {
            RowSum.add(rows: chunk.buffers.state(step + 1), to: sum)
        }
        chunk.state.store(sum)
    }

    /// The inputs of the steps, without the embedding.
    private func steps(of inputs: Operand, _ rows: Range<Int>) -> Operand {
        let first = configuration.startsFromEmbedding ? rows.count : 0
        return inputs.rows(first..<inputs.rowCount)
    }

    /// Adds the gradients of a weight and of the norm's from that of their product.
    private func unfold(_ part: READLayout.Part, scale: Double) {
        guard let weights else { return }
        let weight = parameter(part)
        ColumnScale.backward(
            weight,
            factors: parameter(.norm),
            scale: Float(scale),
            outputGradient: weights.scratch.rows(0..<weight.rowCount),
            addingTo: gradient(part),
            factorGradient: gradient(.norm)
        )
    }
}
