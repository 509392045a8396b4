internal import Training

/// Keeps the state of `starling train` in a folder.
struct RunKeeper {
    let folder: CheckpointFolder
    /// The steps between two checkpoints.
    let interval: Int
    let identity: RunIdentity

    /// Brings the trainer to the newest checkpoint; `nil` where there is none yet.
    func resume(
        _ trainer: LocalTrainer,
        _ console: Console
    ) throws(RunCheckpointError) -> RunCheckpoint? {
        guard let found = try folder.newest() else { return nil }
        for path in found.damagedPaths {
            console.note("\(path): is damaged; an older checkpoint is taken")
        }
        try trainer.resume(from: found, identity: identity)
        return found.checkpoint
    }

    /// Writes the state.
    func save(
        _ trainer: LocalTrainer,
        stopping: EarlyStopping?,
        before: Evaluation?,
        seconds: Double
    ) throws(RunCheckpointError) {
        try folder.save(
            RunCheckpoint(
                step: trainer.completedStepCount,
                identity: identity,
                stopping: stopping,
                before: before,
                seconds: seconds,
                snapshot: trainer.snapshot()
            )
        )
    }
}
