internal import Federation
internal import Models
internal import Training

/// What a node trains and how, as its settings say or as a plan for its memory does.
struct RoundWork: Sendable {
    let data: TrainingData
    let options: ModelOptions
    let part: TrainedPart
    let capacity: TrainingCapacity
    /// `nil` where settings decide.
    let plan: MemoryPlan?

    /// The manifest's settings, with what a plan has its own way.
    ///
    /// MeZO has a rate of its own: the manifest's is that of steps along gradients.
    func settings(
        _ training: Manifest.TrainingSettings, learningRate: Double, seed: UInt64
    ) -> TrainingSettings {
        let optimizer = plan?.optimizer ?? .adamW
        return TrainingSettings(
            batchSize: training.batchSize,
            sequenceLength: plan?.sequenceLength ?? training.sequenceLength,
            learningRate: optimizer == .mezo ? MeZO.learningRate : learningRate,
            warmupStepCount: training.warmupStepCount,
            totalStepCount: training.roundCount * training.localStepCount,
            weightDecay: training.weightDecay,
            seed: seed,
            rowsPerPass: plan?.microBatchSize,
            optimizer: optimizer
        )
    }
}
