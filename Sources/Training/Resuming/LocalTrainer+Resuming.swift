extension LocalTrainer {
    /// Goes on where a checkpoint of the same run was written.
    ///
    /// The steps that follow are those of a run that never stopped, bit by bit, with as many threads
    /// and rows of a pass.
    ///
    /// - Throws: `ofOtherRun` or `stateUnusable`; nothing has changed then.
    public func resume(
        from found: CheckpointFolder.Found,
        identity: RunIdentity
    ) throws(RunCheckpointError) {
        let differences = identity.differences(from: found.checkpoint.identity)
        guard differences.isEmpty else {
            throw .ofOtherRun(path: found.path, differences: differences)
        }
        do throws(TrainingError) {
            try restore(found.checkpoint.snapshot)
        } catch {
            throw .stateUnusable(path: found.path, error)
        }
    }
}
