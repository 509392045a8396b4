internal import Checkpoints
internal import Kernels
internal import Tensors

/// Passes with an adapter behind the last layer: the layers run forward with shared activations.
extension Llama {
    func loss(_ batch: TokenBatch, hiddenTap: any HiddenStateTap) -> LossSum {
        run(batch, hiddenTap: hiddenTap, normalizer: nil)
    }

    func accumulateGradients(
        _ batch: TokenBatch,
        normalizer: Double,
        hiddenTap: any HiddenStateTap
    ) -> LossSum {
        run(batch, hiddenTap: hiddenTap, normalizer: normalizer)
    }

    func logits(_ batch: TokenBatch, hiddenTap: any HiddenStateTap) -> FloatTensor {
        let pass = makePass(batch, tap: hiddenTap.projections, hiddenTap: hiddenTap)
        let stream = pass.workspace.stream
        begin(hiddenTap, rows: Array(0..<stream.rowCount), trains: false)
        runLayers(pass)
        for chunk in chunks(rowCount: stream.rowCount) {
            hiddenTap.correct(stream.rows(chunk), rows: chunk)
        }
        return FloatTensor(
            shape: Shape([batch.positionCount, configuration.vocabularySize]),
            values: logits(norm(stream, into: pass.workspace.normed))
        )
    }

    func memory(rowCount: Int, length: Int, hiddenTap: any HiddenStateTap) -> ModelMemory {
        let extents = hiddenExtents(rowCount: rowCount)
        var memory = memory(rowCount: rowCount, length: length, extents: extents)
        memory.adapterByteCount = hiddenTap.passByteCount(
            rowCount: rowCount,
            chunkRowCount: chunkRowCount,
            type: options.computeType
        )
        return memory
    }

    /// The sizes of a pass whose layers keep nothing; the gradients of a chunk lie behind its logits.
    func hiddenExtents(rowCount: Int) -> DecoderWorkspace.Extents {
        DecoderWorkspace.Extents(hiddenTapRowCount: rowCount, configuration, options)
    }

    private var chunkRowCount: Int { options.hiddenTapRowCount }

    /// The loss of one chunk; layers leave too little scratch for many rows.
    var hiddenCrossEntropy: CrossEntropy {
        CrossEntropy(head: weights.head, chunkRowCount: chunkRowCount)
    }

    func begin(_ tap: any HiddenStateTap, rows: [Int], trains: Bool) {
        tap.begin(
            rows: rows,
            chunkRowCount: chunkRowCount,
            type: options.computeType,
            trains: trains
        )
    }

    private func chunks(rowCount: Int) -> [Range<Int>] {
        stride(from: 0, to: rowCount, by: chunkRowCount).map {
            $0..<min($0 + chunkRowCount, rowCount)
        }
    }

    private func run(
        _ batch: TokenBatch,
        hiddenTap tap: any HiddenStateTap,
        normalizer: Double?
    ) -> LossSum {
        let pass = makePass(batch, tap: tap.projections, hiddenTap: tap)
        let rows = batch.targets.indices.filter { batch.targets[$0] >= 0 }
        begin(tap, rows: rows, trains: normalizer != nil)
        runLayers(pass)
        let counted = CountedRows(of: .float32(pass.workspace.stream), targets: batch.targets)
        guard case .float32(let stream) = counted.hidden else {
            preconditionFailure("a stream of another type")
        }
        var sum = LossSum(tokenCount: rows.count)
        for chunk in chunks(rowCount: rows.count) {
            let hidden = stream.rows(chunk)
            tap.correct(hidden, rows: chunk)
            let normed = norm(hidden, into: pass.workspace.normed)
            let targets = Array(counted.targets[chunk])
            if let normalizer {
                let gradients = chunkGradients(pass, rowCount: chunk.count)
                sum.nats += loss(
                    normed, targets, pass, gradient: gradients.normed,
                    scale: Float(1 / normalizer))
                gradients.stream.fill(0)
                RMSNorm.backward(
                    .float32(hidden),
                    weight: weights.finalNorm,
                    epsilon: configuration.rmsNormEpsilon,
                    outputGradient: gradients.normed,
                    addingTo: gradients.stream
                )
                tap.accumulateGradients(gradients.stream, rows: chunk)
            } else {
                sum.nats += loss(normed, targets, pass, gradient: nil, scale: 1)
            }
        }
        return sum
    }

    private func loss(
        _ normed: Operand,
        _ targets: [Int32],
        _ pass: DecoderPass,
        gradient: Matrix?,
        scale: Float
    ) -> Double {
        pass.crossEntropy.loss(
            hidden: normed,
            targets: targets,
            gradient: gradient,
            scale: scale,
            scratch: activationBuffer,
            offset: pass.workspace.logitsOffset
        )
    }

    private func chunkGradients(
        _ pass: DecoderPass,
        rowCount: Int
    ) -> (normed: Matrix, stream: Matrix) {
        let logits = pass.crossEntropy.scratchCount(rowCount: pass.workspace.stream.rowCount)
        let first = pass.workspace.logitsOffset + FloatBuffer.room(rows: 1, columns: logits)
        let width = configuration.hiddenSize
        let room = FloatBuffer.room(rows: rowCount, columns: width)
        return (
            activationBuffer.matrix(at: first, rows: rowCount, columns: width),
            activationBuffer.matrix(at: first + room, rows: rowCount, columns: width)
        )
    }
}
