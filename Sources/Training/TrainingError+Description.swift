extension TrainingError: CustomStringConvertible {
    /// What is wrong and how to mend it.
    public var description: String {
        switch self {
        case .settingOutOfRange(let name, let value, let allowed):
            "\(name) is \(value), but must be in \(allowed)"
        case .adapterMissing:
            "the model carries no adapter to train; make one first"
        case .dataEmpty:
            "no row is left to train on; give more text or hold out less of it"
        case .rowTooLong(let inputCount, let sequenceLength):
            "a row has \(inputCount) positions, more than the \(sequenceLength) of a sequence; cut "
                + "the data for this length"
        case .lossNotFinite(let step):
            "the loss of step \(step) is not a number; lower the learning rate"
        case .gradientNotFinite(let step):
            "the gradient of step \(step) is not finite; lower the learning rate"
        case .parametersMismatch(let expected, let actual):
            "the parameters belong to another adapter: \(actual) tensors, not \(expected) of the "
                + "same names and shapes; use the same rank and targets"
        case .parameterNotFinite(let name):
            "\(name) holds a value that is not finite; the sender is broken or lies"
        case .notASnapshot:
            "the bytes are no snapshot of a trainer; start the run again"
        case .snapshotVersionUnknown(let version):
            "the snapshot has version \(version), which this program does not know; update it"
        case .snapshotByteCount(let expected, let actual):
            "the snapshot has \(actual) bytes, not \(expected); start the run again"
        case .snapshotOfOtherRun(let field, let expected, let actual):
            "the snapshot is of another run: \(field.rawValue) is \(actual), not \(expected); use "
                + "the settings and data that the run began with"
        }
    }
}
