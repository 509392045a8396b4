/// Why a trainer can't be made, continued or moved a step.
public enum TrainingError: Error, Hashable, Sendable {
    /// A setting is outside of what makes sense; the value is written as the user would.
    case settingOutOfRange(name: String, value: String, allowed: String)
    /// The model carries no adapter, so there is nothing to train.
    case adapterMissing
    /// The data holds no row to train on.
    case dataEmpty
    /// A row needs more positions than a sequence has, so it can't be packed.
    case rowTooLong(inputCount: Int, sequenceLength: Int)
    /// The loss of a step, counted from 1, is not a finite number; the parameters are those before it.
    case lossNotFinite(step: Int)
    /// The gradient of a step is not finite; the parameters are those before it.
    case gradientNotFinite(step: Int)
    /// Parameters for another adapter were given.
    case parametersMismatch(expectedTensorCount: Int, actualTensorCount: Int)
    /// A given parameter is not a finite number.
    case parameterNotFinite(name: String)
    /// The bytes are no snapshot of a trainer.
    case notASnapshot
    /// The snapshot is of a version that this program does not know.
    case snapshotVersionUnknown(version: Int)
    /// The snapshot has another length than its adapter asks for.
    case snapshotByteCount(expected: Int, actual: Int)
    /// The snapshot belongs to a run with another setting, adapter or data.
    case snapshotOfOtherRun(field: SnapshotField, expected: UInt64, actual: UInt64)

    /// What a snapshot and the trainer that takes it in must have in common.
    public enum SnapshotField: String, Hashable, Sendable {
        case seed, batchSize, sequenceLength, rowCount, parameterCount, parameterLayout
    }
}
