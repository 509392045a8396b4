internal import ArgumentParser
internal import Training

/// Where a run's state is kept, so that it can go on after its process has ended.
struct CheckpointOptions: ParsableArguments {
    @Option(help: "A folder for the run's state; made if it is missing.")
    var checkpoint: String?

    @Option(help: "Write the state after every Nth step; 50 unless told otherwise.")
    var checkpointEvery: Int?

    @Option(help: "Go on from the newest state in a folder, and keep writing it there.")
    var resume: String?

    func check() throws {
        if let checkpoint, let resume, checkpoint != resume {
            throw ValidationError(
                "--resume writes to the folder that it reads; leave --checkpoint out."
            )
        }
        if let checkpointEvery {
            guard checkpointEvery >= 1 else {
                throw ValidationError("--checkpoint-every is \(checkpointEvery); give 1 or more.")
            }
            guard checkpoint != nil || resume != nil else {
                throw ValidationError("--checkpoint-every needs --checkpoint or --resume.")
            }
        }
    }

    /// The folder that the options name; `nil` where nothing is kept.
    func open() throws(RunCheckpointError) -> CheckpointFolder? {
        if let resume { return try CheckpointFolder(path: resume, makesMissing: false) }
        guard let checkpoint else { return nil }
        let folder = try CheckpointFolder(path: checkpoint, makesMissing: true)
        try folder.checkUnused()
        return folder
    }

    /// Fifty steps of a small model take minutes, and writing its adapter's state takes less than
    /// one of them.
    var interval: Int { checkpointEvery ?? 50 }
}
