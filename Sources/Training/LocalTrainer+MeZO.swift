internal import Adapters
internal import Models

extension LocalTrainer {
    /// Takes a step of ``MeZO``: two forward passes over the batch and three over the parameters.
    func stepByLosses(
        _ mezo: MeZO,
        _ sequences: [PackedRow],
        targetCount: Int
    ) throws(TrainingError) -> (loss: Double, slope: Double, learningRate: Double) {
        let step = completedStepCount
        func move(by factor: Double) {
            unsafe adapter.withParameters { buffer in
                var parameters = unsafe buffer.mutableSpan
                mezo.move(&parameters, by: factor, step: step)
            }
        }
        move(by: mezo.perturbation)
        let above = loss(sequences) / Double(targetCount)
        move(by: -2 * mezo.perturbation)
        let below = loss(sequences) / Double(targetCount)
        guard above.isFinite, below.isFinite else {
            move(by: mezo.perturbation)
            throw .lossNotFinite(step: step + 1)
        }
        let slope = mezo.projectedGradient(above: above, below: below)
        let learningRate = learningRates.learningRate(atStep: step)
        unsafe adapter.withParameters { buffer in
            var parameters = unsafe buffer.mutableSpan
            mezo.finish(
                &parameters, projectedGradient: slope, learningRate: learningRate, step: step)
            // The pull's gradient is known, so that nothing of it has to be measured by losses.
            correction?.pull(&parameters, learningRate: learningRate)
            correction?.turn(&parameters, learningRate: learningRate)
        }
        return ((above + below) / 2, slope, learningRate)
    }

    /// The summed loss of sequences, in nats.
    private func loss(_ sequences: [PackedRow]) -> Double {
        var nats = 0.0
        for start in stride(from: 0, to: sequences.count, by: rowsPerPass) {
            let pass = sequences[start..<min(start + rowsPerPass, sequences.count)]
            nats += model.loss(TokenBatch(sequences: pass)).nats
        }
        return nats
    }
}
