public import Checkpoints

/// Why checkpoints of a run can't be written or gone on from.
public enum RunCheckpointError: Error, Hashable, Sendable {
    /// A file or folder can't be read or written.
    case file(CheckpointError)
    /// The path is a file, not a folder.
    case notAFolder(path: String)
    /// There is no folder at the path.
    case folderMissing(path: String)
    /// Another process writes checkpoints there.
    case folderInUse(path: String)
    /// A new run was to write where the checkpoints of an earlier one lie.
    case folderTaken(path: String, step: Int)
    /// There are checkpoints, but none that can be read; this is what is wrong with the newest.
    case allDamaged(path: String, newest: Damage)
    /// The checkpoint belongs to a run that differs in these things.
    case ofOtherRun(path: String, differences: [RunIdentity.Difference])
    /// The checkpoint's state does not fit the trainer.
    case stateUnusable(path: String, TrainingError)

    /// What is wrong with the bytes of one checkpoint.
    public enum Damage: Error, Hashable, Sendable {
        /// The file does not begin as a checkpoint does.
        case notACheckpoint
        /// The file is of a version that this program does not know.
        case versionUnknown(version: Int)
        /// Bytes are missing or are not those that were written.
        case altered
    }
}
